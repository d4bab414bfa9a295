import { fenced, leaderLoop } from '@tallystick/runtime'
import type { HeldLease, Loop, Metrics } from '@tallystick/runtime'
import type { Store } from '@tallystick/storage'
import type { Logger } from 'pino'
import { keepStateProofs } from './anchor-proofs.ts'
import { anchorOnce } from './anchoring/anchor-once.ts'
import { askChains, LogWouldFork } from './ask-chains.ts'
import type { ForkGuard } from './ask-chains.ts'
import type { AuditMetrics } from './audit-metrics.ts'
import type { ChainClient } from './chain.ts'
import { queue } from './collections.ts'
import type { LogSigner } from './log-key.ts'
import { consistencyFromTiles, latestCheckpoint, logSize } from './log-reader.ts'
import { oldestUnpublished } from './oldest-unpublished.ts'
import { publishCheckpoint } from './publish-checkpoint.ts'
import { beginSequencing } from './sequence.ts'

/** What the background work of the audit service is made from. */
export interface LoopDeps {
  store: Store
  origin: string
  signer: LogSigner
  chains: readonly ChainClient[]
  now: () => Date
  log: Logger
  metrics: Metrics
  measures: AuditMetrics
  /** Unique for each process start. */
  owner: string
  checkpointMs: number
  sequenceMs: number
  leaseMs: number
}

/** The loops that run while the service does; each has one leader among all copies. */
export interface AuditLoops {
  /** Wakes the sequencer: entries were queued. */
  queued(): void
  stop(): Promise<void>
}

/** Starts sequencer, checkpointer and one anchorer for each chain. */
export function startLoops(deps: LoopDeps): AuditLoops {
  const sequencer = leaderLoop({
    ...lease(deps, 'sequencer'),
    everyMs: deps.sequenceMs,
    begin: (held) => sequencing(deps, held),
  })
  const guardTenure = askChains(deps)
  const checkpointer = leaderLoop({
    ...lease(deps, 'checkpointer'),
    everyMs: deps.checkpointMs,
    begin: (held) => {
      const guard = guardTenure(held.signal)
      return () => checkpointing(deps, held, guard)
    },
  })
  const anchorers = deps.chains.map((chain) =>
    leaderLoop({
      ...lease(deps, `anchorer ${chain.id} ${chain.contract}`),
      everyMs: chain.config.pollMs,
      begin: (held) => () => anchoring(deps, chain, held),
    }),
  )
  const all: Loop[] = [sequencer, checkpointer, ...anchorers]
  return {
    queued: sequencer.wake,
    stop: async () => void (await Promise.all(all.map((loop) => loop.stop()))),
  }
}

function lease({ store, origin, now, log, metrics, owner, leaseMs }: LoopDeps, name: string) {
  return { store, name: `${name} ${origin}`, owner, now, log, metrics, ttlMs: leaseMs }
}

async function sequencing(deps: LoopDeps, held: HeldLease): Promise<() => Promise<boolean>> {
  const placeNext = await beginSequencing(deps, () => fenced(held))
  return async () => {
    const placed = await placeNext()
    deps.measures.sequenced.inc(placed)
    return placed > 0
  }
}

async function checkpointing(deps: LoopDeps, held: HeldLease, guard: ForkGuard): Promise<void> {
  try {
    await guard()
    if (held.signal.aborted) return
    const published = await publishCheckpoint(deps, () => fenced(held))
    if (published) deps.measures.logSize.set(await logSize(deps.store, deps.origin))
  } catch (error) {
    if (error instanceof LogWouldFork)
      for (const { chain, code } of error.reasons) deps.measures.signingRefused.inc({ chain, reason: code })
    throw error
  } finally {
    await measureWaiting(deps)
  }
}

async function measureWaiting({ store, origin, now, measures, log }: LoopDeps): Promise<void> {
  const { items } = await store.find(queue.byTime, { equals: [origin], limit: 1 })
  const [queued] = items
  const unpublished = await oldestUnpublished(store, origin)
  const seconds = (since: Date | undefined) =>
    since === undefined ? 0 : Math.max(0, (now().getTime() - since.getTime()) / 1000)
  const late = { unplaced: seconds(queued?.mergeBy), unsigned: seconds(unpublished) }
  measures.queueOldestSeconds.set(seconds(queued?.at))
  measures.mergeLateSeconds.set(Math.max(late.unplaced, late.unsigned))
  if (late.unplaced > 0)
    log.error(
      { lateSeconds: late.unplaced },
      'receipts wait beyond their merge_by; is the sequencer running?',
    )
  if (late.unsigned > 0)
    log.error({ lateSeconds: late.unsigned }, 'receipts wait beyond their merge_by; does the log key sign?')
}

async function anchoring(deps: LoopDeps, chain: ChainClient, held: HeldLease): Promise<boolean> {
  const { store, origin, now, log, measures } = deps
  const step = await anchorOnce(
    {
      store,
      now,
      origin,
      log,
      fence: fenced(held),
      latestCheckpoint: () => latestCheckpoint(store, origin),
      consistencyProof: (from, to) => consistencyFromTiles(store, from, to),
    },
    chain,
  )
  measures.anchorWaiting.reset()
  if (step.outcome === 'waiting')
    measures.anchorWaiting.set({ chain: chain.id, reason: step.reason?.code ?? 'pending' }, 1)
  if (step.size !== undefined) measures.anchoredSize.set({ chain: chain.id }, step.size)
  await keepStateProofs(deps, chain, () => fenced(held)).catch((error: unknown) => {
    if (held.signal.aborted) return
    log.warn({ chain: chain.id, err: error }, 'a state proof could not be taken yet')
  })
  return step.outcome === 'advanced'
}
