import { auditRelay, fenced, leaderLoop } from '@tallystick/runtime'
import type { AuditSink, Loop, Metrics } from '@tallystick/runtime'
import { advanceLicenses } from './agreements/advance-licenses.ts'
import type { Deps } from './deps.ts'
import { runErasures } from './privacy/run-erasures.ts'
import { runRetention } from './privacy/run-retention.ts'

/** What the background work of the licensing service is made from. */
export interface LoopDeps extends Deps {
  sink: AuditSink
  metrics: Metrics
  /** Unique for each process start. */
  owner: string
  leaseMs: number
}

/** Starts the relay and the scheduled jobs; each has one leader among all copies. Gives the function that ends them. */
export function startLoops(deps: LoopDeps): () => Promise<void> {
  const loops: Loop[] = [
    auditRelay({ ...lease(deps, 'relay'), sink: deps.sink }),
    leaderLoop({
      ...lease(deps, 'agreements'),
      everyMs: 1000,
      begin: (held) => async () => void (await advanceLicenses(deps, () => [fenced(held)])),
    }),
    leaderLoop({
      ...lease(deps, 'erasures'),
      everyMs: 1000,
      begin: (held) => async () => void (await runErasures(deps, () => [fenced(held)])),
    }),
    leaderLoop({
      ...lease(deps, 'retention'),
      everyMs: 60_000,
      begin: (held) => async () => void (await runRetention(deps, () => [fenced(held)])),
    }),
  ]
  return async () => void (await Promise.all(loops.map((loop) => loop.stop())))
}

/** The terms of a leader loop named `name`, as `leaderLoop` takes them. */
function lease({ store, now, log, metrics, owner, leaseMs }: LoopDeps, name: string) {
  return { store, name, owner, now, log, metrics, ttlMs: leaseMs }
}
