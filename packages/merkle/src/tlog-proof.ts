import { fromBase64, toBase64 } from './base64.ts'
import { fromDecimal } from './decimal.ts'
import { HASH_BYTES, isHash } from './hash.ts'
import { MerkleError } from './merkle-error.ts'
import { isSize } from './shape.ts'

/** A proof that stands on its own (C2SP tlog-proof@v1). `extra` is not authenticated: never trust it by itself. */
export interface TlogProof {
  readonly extra?: Uint8Array
  readonly index: number
  readonly proof: readonly Uint8Array[]
  /** The signed note of the checkpoint, verbatim. */
  readonly checkpoint: string
}

const header = 'c2sp.org/tlog-proof@v1'
const maxHashes = 53
const paddedBytes = HASH_BYTES + 1
const lineChars = (paddedBytes / 3) * 4
const maxChars = 4_000_000

/** Reads a `.tlog-proof` file; the checkpoint in it is not looked into. Throws `bad_tlog_proof` for all but the canonical form. */
export function parseTlogProof(text: string): TlogProof {
  const split = text.indexOf('\n\n')
  if (text.length > maxChars || split < 0) throw malformed('no checkpoint behind a blank line')
  const lines = text.slice(0, split).split('\n')
  if (lines.shift() !== header) throw malformed(`the first line is not ${header}`)
  const extra = lines[0]?.startsWith('extra ')
    ? fromBase64(lines.shift()?.slice('extra '.length) ?? '')
    : null
  if (extra === undefined || extra?.length === 0) throw malformed('the extra data is not base64')
  const indexLine = lines.shift() ?? ''
  const index = indexLine.startsWith('index ') ? fromDecimal(indexLine.slice('index '.length)) : undefined
  if (index === undefined) throw malformed('no index below 2^53')
  if (lines.length > maxHashes) throw malformed(`more than ${maxHashes} hashes`)
  const proof = lines.map((line) => fromBase64(line))
  const checkpoint = text.slice(split + 2)
  if (!proof.every(isHash)) throw malformed('a hash is not the base64 of 32 bytes')
  if (!checkpoint.endsWith('\n')) throw malformed('the checkpoint does not end in a newline')
  return extra ? { extra, index, proof, checkpoint } : { index, proof, checkpoint }
}

/** The text of a `.tlog-proof` file; no `extra` line when there are no such bytes. Throws `bad_tlog_proof`. */
export function formatTlogProof({ checkpoint, ...proof }: TlogProof): string {
  if (!checkpoint.endsWith('\n')) throw malformed('the checkpoint does not end in a newline')
  return formatTlogProofHead(proof) + checkpoint
}

/** What stands before the checkpoint in a `.tlog-proof` file, the blank line included. Throws `bad_tlog_proof`. */
export function formatTlogProofHead({ extra, index, proof }: Omit<TlogProof, 'checkpoint'>): string {
  if (!isSize(index)) throw malformed('no index below 2^53')
  if (proof.length > maxHashes || !proof.every(isHash))
    throw malformed('a proof has at most 53 hashes of 32 bytes')
  const extraLine = extra?.length ? `extra ${toBase64(extra)}\n` : ''
  return `${header}\n${extraLine}index ${index}\n${hashLines(proof)}\n`
}

/**
 * The base64 of each hash and a newline. All are encoded in one call, each with a zero byte behind it that fills the last
 * group of three: its `A` stands where the padding belongs.
 */
function hashLines(proof: readonly Uint8Array[]): string {
  const padded = new Uint8Array(proof.length * paddedBytes)
  for (const [place, hash] of proof.entries()) padded.set(hash, place * paddedBytes)
  const text = toBase64(padded)
  let lines = ''
  for (let end = lineChars; end <= text.length; end += lineChars)
    lines += `${text.slice(end - lineChars, end - 1)}=\n`
  return lines
}

function malformed(message: string): MerkleError {
  return new MerkleError('bad_tlog_proof', message)
}
