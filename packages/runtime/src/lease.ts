import { collection, expect, insert, replace, StorageError } from '@tallystick/storage'
import type { Store, Stored, Write } from '@tallystick/storage'
import type { Logger } from 'pino'
import { z } from 'zod'
import type { Metrics } from './metrics.ts'

/** Who holds a lease. Written only when a lease changes hands, so its version is the fencing number. */
export const leases = collection('leases', {
  schema: z.strictObject({ id: z.string(), owner: z.string() }),
  partition: 'id',
})

/**
 * Until when a lease holds. Apart from the holder, because it is written again and again: a renewal must not break a
 * commit of the same holder that is on its way.
 */
export const leaseTerms = collection('lease_terms', {
  schema: z.strictObject({ id: z.string(), fence: z.number(), until: z.date() }),
  partition: 'id',
})

/** A lease that was acquired. It may have been lost since: only a commit with `fenced(lease)` in it knows. */
export interface Lease {
  readonly name: string
  readonly owner: string
  /** Grows each time the lease changes hands. */
  readonly fence: number
}

/** A lease while work is done under it. */
export interface HeldLease extends Lease {
  /** Aborted when the lease is lost or the work should stop. */
  readonly signal: AbortSignal
}

/** What is needed to compete for a lease. `owner` is unique for each process start, never a host name alone. */
export interface LeaseOptions {
  store: Store
  name: string
  owner: string
  now: () => Date
  /** How long the lease outlives its last renewal, 15 s unless told: the longest gap after a crash. */
  ttlMs?: number | undefined
  /** Kept by whoever asks again and again: see WatchedTerm. */
  watched?: WatchedTerm | undefined
}

/**
 * The term that a competitor saw last, and since when by the monotonic clock. A term that nobody renews for its length has
 * run out, whatever time the clock of its holder put into it.
 */
export interface WatchedTerm {
  version?: number
  since?: number
}

const defaultTtlMs = 15_000

/**
 * The write that ties a commit to the lease: once another owner has taken over, the commit fails with StaleVersion on
 * `leases`, however late it arrives. Renewals and release leave it valid.
 */
export function fenced(lease: Lease): Write {
  return expect(leases, lease.name, lease.fence)
}

/** Takes the lease when it is free or has run out. Undefined when another owner holds it or was faster. */
export async function acquireLease(options: LeaseOptions): Promise<Lease | undefined> {
  const { store, name, owner, now, ttlMs = defaultTtlMs } = options
  const term = await store.get(leaseTerms, name)
  if (term && now() < term.until && !hasStood(term.version, ttlMs, options.watched)) return undefined
  const fence = (term?.fence ?? 0) + 1
  const next = { id: name, fence, until: new Date(now().getTime() + ttlMs) }
  const holder = { id: name, owner }
  const writes = term
    ? // The term's version: whoever renewed since the read keeps the lease.
      [replace(leases, holder, term.fence), replace(leaseTerms, next, term.version)]
    : [insert(leases, holder), insert(leaseTerms, next)]
  try {
    await store.commit(writes)
  } catch (error) {
    if (isLostRace(error)) return undefined
    throw error
  }
  return { name, owner, fence }
}

/** Whether a term was seen before and has not been renewed for `ttlMs` since. */
function hasStood(version: number, ttlMs: number, watched: WatchedTerm | undefined): boolean {
  if (!watched) return false
  const at = performance.now()
  if (watched.version === version && watched.since !== undefined) return at - watched.since > ttlMs
  watched.version = version
  watched.since = at
  return false
}

/** Holds the lease for another `ttlMs`. False when it was taken over. */
export function renewLease(lease: Lease, options: LeaseOptions): Promise<boolean> {
  const until = new Date(options.now().getTime() + (options.ttlMs ?? defaultTtlMs))
  return setTerm(lease, options.store, until)
}

/** Lets go of the lease, so that another owner need not wait for its end. No harm when it was lost. */
export async function releaseLease(lease: Lease, store: Store): Promise<void> {
  await setTerm(lease, store, new Date(0))
}

async function setTerm(lease: Lease, store: Store, until: Date): Promise<boolean> {
  const term: Stored<{ id: string; fence: number; until: Date }> | undefined = await store.get(
    leaseTerms,
    lease.name,
  )
  // The fence tells whose term it is, also after a renewal of which nobody knows whether it was written.
  if (!term || term.fence !== lease.fence) return false
  try {
    await store.commit([replace(leaseTerms, { id: term.id, fence: term.fence, until }, term.version)])
    return true
  } catch (error) {
    if (isLostRace(error)) return false
    throw error
  }
}

function isLostRace(error: unknown): boolean {
  return error instanceof StorageError && (error.code === 'StaleVersion' || error.code === 'DuplicateKey')
}

/** Whether `error` says that a commit with `fenced(lease)` came too late. */
export function isFencedOff(error: unknown): boolean {
  return error instanceof StorageError && error.code === 'StaleVersion' && error.collection === leases.name
}

/**
 * Runs `work` while holding the lease, renewed at a third of its life, and releases it afterwards. Resolves to false,
 * without running anything, when another owner holds it. Rejects with what `work` rejects with; a work that was fenced
 * off has merely lost the lease and resolves.
 */
export async function holdLease(
  options: LeaseOptions & { log: Logger; metrics?: Metrics | undefined; signal?: AbortSignal | undefined },
  work: (lease: HeldLease) => Promise<void>,
): Promise<boolean> {
  const { store, name, log, metrics, now, ttlMs = defaultTtlMs } = options
  const lease = await acquireLease(options)
  if (!lease) return false
  log.info({ lease: name, fence: lease.fence }, 'lease acquired')
  metrics?.leaseHeld.set({ lease: name }, 1)
  const lost = new AbortController()
  const stopRenewing = keepRenewed(lease, { ...options, now, ttlMs }, lost)
  const signal = options.signal ? AbortSignal.any([options.signal, lost.signal]) : lost.signal
  try {
    await work({ ...lease, signal })
  } catch (error) {
    if (!isFencedOff(error)) throw error
    log.warn({ lease: name, fence: lease.fence }, 'lease was taken over')
  } finally {
    await stopRenewing()
    metrics?.leaseHeld.set({ lease: name }, 0)
    await releaseLease(lease, store).catch((error: unknown) => {
      log.warn({ lease: name, err: error }, 'lease could not be released; it runs out by itself')
    })
  }
  return true
}

/** Renews until stopped; aborts `lost` when the lease was taken over or could not be renewed before its end. */
function keepRenewed(
  lease: Lease,
  options: LeaseOptions & { log: Logger; ttlMs: number },
  lost: AbortController,
): () => Promise<void> {
  const { log, ttlMs, name } = options
  // Measured on the monotonic clock: an injected or corrected wall clock must not stretch a tenure.
  let renewedAt = performance.now()
  let running = Promise.resolve()
  async function renew(): Promise<void> {
    const startedAt = performance.now()
    try {
      if (await renewLease(lease, options)) renewedAt = startedAt
      else lost.abort(new Error(`lease ${name} was taken over`))
    } catch (error) {
      log.warn({ lease: name, err: error }, 'lease could not be renewed')
      if (performance.now() - renewedAt > ttlMs) lost.abort(new Error(`lease ${name} ran out`))
    }
  }
  const timer = setInterval(() => {
    running = running.then(renew)
  }, ttlMs / 3)
  return () => {
    clearInterval(timer)
    return running
  }
}
