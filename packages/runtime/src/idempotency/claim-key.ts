import { Fault } from '@tallystick/protocol'
import { insert, remove, replace, StorageError } from '@tallystick/storage'
import type { Store, Stored, Write } from '@tallystick/storage'
import { isDeadOwner } from './process-owner.ts'
import { idempotency, packAnswer } from './records.ts'
import type { IdempotencyRecord, KeptAnswer } from './records.ts'

/** Keys are kept for at least a day after their request. */
const keepMs = 48 * 3_600_000

/** A key that this request runs under. */
export interface Claim {
  readonly id: string
  /** The write that stores `answer` as the key's; refused when another process has taken the key over. */
  done(answer: KeptAnswer): Write
  /** To be told when the write of `done` is committed. */
  settle(): void
  readonly settled: boolean
  /** Gives the key free again, so that a repetition runs anew; does nothing once it is settled or taken over. */
  release(): Promise<void>
}

/** What is needed to claim keys. */
export interface ClaimDeps {
  store: Store
  now: () => Date
  owner: string
  /** How long a key stays with a process that does not answer; longer than any request may run. */
  lockMs: number
}

/**
 * Claims the key `id` for a request. Gives the record instead when the first request is done. Throws Fault
 * `idempotency_key_reused` for another request, `idempotency_in_progress` while the first still runs.
 */
export async function claimKey(
  deps: ClaimDeps,
  { id, digest }: { id: string; digest: string },
): Promise<{ claim: Claim } | { record: IdempotencyRecord }> {
  const { store, now, owner, lockMs } = deps
  for (;;) {
    const at = now().getTime()
    const times = { lockedUntil: new Date(at + lockMs), expiresAt: new Date(at + keepMs) }
    const record: IdempotencyRecord = { id, digest, state: 'running', owner, ...times }
    const inserted = await won(store, insert(idempotency, record))
    if (inserted) return { claim: openClaim(store, record, 1) }
    const found = await store.get(idempotency, id)
    // Released or expired between the two.
    if (!found) continue
    if (found.expiresAt.getTime() > at) {
      if (found.digest !== digest) throw new Fault('idempotency_key_reused')
      if (found.state === 'done') return { record: found }
      if (isHeld(found, at)) throw new Fault('idempotency_in_progress')
    }
    if (await won(store, replace(idempotency, record, found.version))) {
      return { claim: openClaim(store, record, found.version + 1) }
    }
  }
}

function isHeld({ lockedUntil, owner }: Stored<IdempotencyRecord>, at: number): boolean {
  return lockedUntil.getTime() > at && !isDeadOwner(owner)
}

async function won(store: Store, write: Write): Promise<boolean> {
  try {
    await store.commit([write])
    return true
  } catch (error) {
    if (error instanceof StorageError && ['DuplicateKey', 'StaleVersion'].includes(error.code)) return false
    throw error
  }
}

function openClaim(store: Store, record: IdempotencyRecord, claimed: number): Claim {
  let version = claimed
  let settled = false
  return {
    id: record.id,
    done: (answer) => replace(idempotency, { ...record, state: 'done', ...packAnswer(answer) }, version),
    settle() {
      version++
      settled = true
    },
    get settled() {
      return settled
    },
    async release() {
      if (settled) return
      try {
        await store.commit([remove(idempotency, record.id, version)])
      } catch (error) {
        // A commit that seemed to fail may have gone through: then the key keeps its answer. Else its lock ends.
        if (!(error instanceof StorageError)) throw error
      }
    },
  }
}

/** Whether a commit failed because another process had taken the key over. */
export function isTakenOver(error: unknown): boolean {
  return (
    error instanceof StorageError && error.code === 'StaleVersion' && error.collection === idempotency.name
  )
}
