import { Fault } from '@tallystick/protocol'
import { buildEvidence } from '@tallystick/evidence'
import type { EvidenceBundle } from '@tallystick/evidence'
import { ReceiptError, receiptEntryHex, verifyReceipt } from '@tallystick/receipt'
import type { Deps } from './deps.ts'
import type { PublishedCheckpoint } from './log-reader.ts'

/** An entry's place in the log, and its proof: tlog-proof text is `head` and the checkpoint's note behind it. */
export interface ProvedEntry {
  index: number
  head: string
  checkpoint: PublishedCheckpoint
}

/** The inclusion proof of a compact receipt in the newest checkpoint. Throws Fault `proof_pending`. */
export async function proveReceipt(deps: Pick<Deps, 'log'>, jws: string): Promise<ProvedEntry> {
  const index = await deps.log.indexOf(receiptEntryHex(jws))
  if (index === undefined) throw new Fault('proof_pending')
  return proveIndex(deps, index, Buffer.from(jws, 'latin1'))
}

/** As proveReceipt, for an entry known by `sha256:` and its hash. Throws Fault `not_found`, `proof_pending`. */
export async function proveHash(deps: Pick<Deps, 'log'>, hash: string): Promise<ProvedEntry> {
  const index = await deps.log.indexOf(hash.slice('sha256:'.length))
  if (index === undefined) throw new Fault('not_found', { detail: 'The log has no entry with this hash' })
  return proveIndex(deps, index)
}

/** As proveReceipt, for the entry at an index of the log; the proof carries `extra`. Throws Fault `proof_pending`. */
async function proveIndex(deps: Pick<Deps, 'log'>, index: number, extra?: Uint8Array): Promise<ProvedEntry> {
  const checkpoint = await deps.log.latestCheckpoint()
  if (!checkpoint || index >= checkpoint.size) throw new Fault('proof_pending')
  return { index, checkpoint, head: await deps.log.tlogProofHead(index, checkpoint.size, extra) }
}

/**
 * The evidence of a compact receipt: receipt, keys, proof and anchors. The proof is under the anchored checkpoint where
 * there is one, so that it needs no consistency proof. Throws Fault `proof_pending`.
 */
export async function receiptEvidence(
  deps: Pick<Deps, 'log' | 'keySet' | 'origin' | 'logKey' | 'anchoredHeads'>,
  jws: string,
): Promise<EvidenceBundle> {
  const index = await deps.log.indexOf(receiptEntryHex(jws))
  if (index === undefined) throw new Fault('proof_pending')
  const { heads, checkpoint: anchored } = await deps.anchoredHeads(index)
  const checkpoint = anchored ?? (await deps.log.latestCheckpoint())
  if (!checkpoint || index >= checkpoint.size) throw new Fault('proof_pending')
  const proof = await deps.log.inclusionProof(index, checkpoint.size)
  return buildEvidence({
    receipt: jws,
    jwks: deps.keySet(),
    log: { origin: deps.origin, key: deps.logKey },
    proof: { index, proof, checkpoint: checkpoint.note },
    anchors: await Promise.all(
      heads.map(async (head) => ({
        ...head,
        consistency: await consistencyTo(deps, checkpoint.size, head.size),
      })),
    ),
  })
}

/** Checks that we signed the receipt: nobody else's claims get evidence. Throws Fault `not_found` with the reason. */
export async function requireOwnReceipt(deps: Pick<Deps, 'keySet' | 'origin'>, jws: string): Promise<void> {
  try {
    const { payload } = await verifyReceipt(jws, deps.keySet())
    if (payload.iss !== deps.origin)
      throw new Fault('not_found', { detail: `The receipt is of the log ${payload.iss}` })
  } catch (error) {
    if (error instanceof ReceiptError) {
      throw new Fault('not_found', {
        detail: `This log gave no such receipt: ${error.message}`,
        cause: error,
      })
    }
    throw error
  }
}

/** The consistency proof between two published sizes with both heads. Throws Fault `invalid_range`. */
export async function consistencyBetween(
  deps: Pick<Deps, 'log'>,
  from: number,
  to: number,
): Promise<string[]> {
  const latest = await deps.log.latestCheckpoint()
  if (!(from > 0 && from <= to && latest && to <= latest.size)) throw new Fault('invalid_range')
  return (await deps.log.consistencyProof(from, to)).map(base64)
}

async function consistencyTo(
  deps: Pick<Deps, 'log'>,
  proved: number,
  anchored: number,
): Promise<Uint8Array[]> {
  if (proved === anchored) return []
  return deps.log.consistencyProof(Math.min(proved, anchored), Math.max(proved, anchored))
}

function base64(hash: Uint8Array): string {
  return Buffer.from(hash).toString('base64')
}
