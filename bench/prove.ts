import { leafHash, verifyInclusion } from '@tallystick/merkle'
import { openStore } from '@tallystick/storage'
import { auditCollections } from '@tallystick/audit'
import { logReader } from '../services/audit/src/log-reader.ts'
import type { Child } from './child-process.ts'
import type { Listening } from './audit-child.ts'
import { besideBare } from './http-load.ts'
import type { PairedLoad } from './http-load.ts'
import { headersOf } from './ingest.ts'
import type { Recorded } from './ingest.ts'
import { sampleEntry } from './sample-records.ts'

const sampled = 2000
const stride = 7919
const warmUpSeconds = 5

/** Proofs of entries spread over a log of `size`, asked by hash as a stranger does. */
export function proveByHash({ told }: Child<Listening>, size: number, seconds: number): Promise<PairedLoad> {
  const requests = spread(size).map((index) => ({
    path: `/v1/audit/proofs/sha256:${sampleEntry(index).toString('hex')}`,
  }))
  return besideBare(told.url, { requests, bare: { path: '/livez' } }, { seconds, warmUp: warmUpSeconds })
}

/** Proofs of receipts, asked by id by their owner. */
export function proveById(
  { told }: Child<Listening>,
  receipts: readonly Recorded[],
  seconds: number,
): Promise<PairedLoad> {
  const { authorization = '' } = headersOf(told)
  const requests = spread(receipts.length).map((index) => ({
    path: `/v1/audit/${receipts[index]?.id}/proof`,
    headers: { authorization },
  }))
  return besideBare(told.url, { requests, bare: { path: '/livez' } }, { seconds, warmUp: warmUpSeconds })
}

/** In this process and without HTTP: microseconds of a proof from the stored tiles, of its check, and its hashes. */
export async function proofCosts(directory: string, origin: string, size: number) {
  const store = await openStore(`sqlite:${directory}`, { name: 'audit-test', collections: auditCollections })
  try {
    const reader = logReader(store, origin)
    const head = await reader.latestCheckpoint()
    if (!head || head.size < size) throw new Error(`the log has no head of ${size} entries`)
    const indexes = spread(size)
    for (const index of indexes) await reader.inclusionProof(index, size)
    let hashes = 0
    const started = performance.now()
    const proofs: Uint8Array[][] = []
    for (const index of indexes) proofs.push(await reader.inclusionProof(index, size))
    const proveMicros = ((performance.now() - started) * 1000) / indexes.length
    const checking = performance.now()
    for (const [place, proof] of proofs.entries()) {
      const index = indexes[place] ?? 0
      hashes = Math.max(hashes, proof.length)
      const claim = { index, size: head.size, leafHash: leafHash(sampleEntry(index)), proof, root: head.root }
      if (!verifyInclusion(claim)) throw new Error(`the proof of entry ${index} of ${size} is wrong`)
    }
    return { proveMicros, checkMicros: ((performance.now() - checking) * 1000) / indexes.length, hashes }
  } finally {
    await store.close()
  }
}

function spread(size: number): number[] {
  return Array.from({ length: Math.min(sampled, size) }, (_, turn) => (turn * stride) % size)
}
