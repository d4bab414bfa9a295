import { fromBase64, toBase64 } from './base64.ts'
import { fromDecimal } from './decimal.ts'
import { isHash } from './hash.ts'
import { MerkleError } from './merkle-error.ts'
import { checkSize } from './shape.ts'

/** The head of a log: what it is called, how many leaves it has, and the root over them. */
export interface Checkpoint {
  readonly origin: string
  readonly size: number
  readonly root: Uint8Array
  /** Lines that other logs may add; ours never does. */
  readonly extensions: readonly string[]
}

/**
 * The checkpoint in the text of a note (C2SP tlog-checkpoint), without the signatures:
 *
 *     example.com/log
 *     20852163
 *     CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
 *
 * Throws `bad_checkpoint`, also for a size above 2^53 − 1.
 */
export function parseCheckpoint(text: string): Checkpoint {
  const [origin = '', digits = '', base64 = '', ...rest] = text.split('\n')
  // The text ends in a newline, so the last piece is empty; any other empty line would hide a second body.
  const extensions = rest.slice(0, -1)
  const size = fromDecimal(digits)
  const root = fromBase64(base64)
  if (origin === '' || size === undefined || !isHash(root) || rest.at(-1) !== '' || extensions.includes('')) {
    throw new MerkleError('bad_checkpoint', 'not a checkpoint')
  }
  return { origin, size, root, extensions }
}

/** The text of a checkpoint's note, ready to be signed. Throws `bad_checkpoint` or `bad_size`. */
export function formatCheckpoint({
  origin,
  size,
  root,
  extensions = [],
}: Omit<Checkpoint, 'extensions'> & { readonly extensions?: readonly string[] }): string {
  checkSize(size)
  if (!isHash(root)) throw new MerkleError('bad_checkpoint', 'a root has 32 bytes')
  const lines = [origin, String(size), toBase64(root), ...extensions]
  if (lines.some((line) => line === '' || line.includes('\n'))) {
    throw new MerkleError('bad_checkpoint', 'the lines of a checkpoint are neither empty nor broken')
  }
  return `${lines.join('\n')}\n`
}
