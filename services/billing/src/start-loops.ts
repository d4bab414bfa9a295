import { auditRelay, leaderLoop, loop } from '@tallystick/runtime'
import type { AuditSink, Loop, Metrics } from '@tallystick/runtime'
import type { Stripe } from 'stripe'
import { billingMetrics, countedSink } from './billing-metrics.ts'
import { resumeClocks } from './clocks/advance-clock.ts'
import { expireGrants } from './credits/expire-grants.ts'
import type { Deps } from './deps.ts'
import { accountsRelay } from './dunning/accounts-relay.ts'
import { run } from './dunning/run-dunning.ts'
import { mailRelay } from './mail/letter.ts'
import { measureBilling } from './measure-billing.ts'
import { expireHolds, resolvePayments } from './payments/resolve-payments.ts'
import { revokeRelay } from './payments/revoke-relay.ts'
import { forwardMeterEvents } from './stripe/forward-meter-events.ts'
import { runBilling } from './subscriptions/run-billing.ts'
import { buildMeters } from './usage/build-meter.ts'

/** What the background work of the billing service is made from. */
export interface LoopDeps extends Deps {
  sink: AuditSink
  metrics: Metrics
  /** Where Stripe is the rail. */
  stripe?: Stripe | undefined
  /** Unique for each process start. */
  owner: string
  leaseMs: number
}

// A clock that is being moved by a request is not for the job.
const clockRestMs = 30_000
const measureEveryMs = 15_000

/** Starts relays and scheduled jobs; each has one leader among all copies. Gives the function that ends them. */
export function startLoops(deps: LoopDeps): () => Promise<void> {
  const { store, now, log, metrics, owner, leaseMs, sink, mailer, rights, accounts, stripe } = deps
  const measures = billingMetrics(metrics)
  const terms = { store, owner, now, log, metrics, ttlMs: leaseMs }
  const job = (name: string, everyMs: number, run: () => Promise<unknown>) =>
    leaderLoop({ ...terms, name, everyMs, begin: () => async () => void (await run()) })
  const meterEvents = (rail: Stripe) =>
    leaderLoop({
      ...terms,
      name: 'billing.stripe-meters',
      everyMs: 2000,
      begin: () => () => forwardMeterEvents(deps, rail),
    })
  const loops: Loop[] = [
    ...(stripe ? [meterEvents(stripe)] : []),
    auditRelay({ ...terms, sink: countedSink(sink, measures) }),
    mailRelay({ ...terms, mailer }),
    revokeRelay({ ...terms, rights }),
    accountsRelay({ ...terms, accounts }),
    job('billing.payments', 5000, () => resolvePayments(deps)),
    job('billing.run', 5000, () => runBilling(deps, { until: now() })),
    job('billing.clocks', 5000, () => resumeClocks(deps, new Date(now().getTime() - clockRestMs))),
    job('billing.dunning', 5000, () => run(deps, undefined, now())),
    job('billing.meters', 2000, () => buildMeters(deps)),
    job('billing.credits', 30_000, () => expireGrants(deps, now())),
    job('billing.holds', 30_000, () => expireHolds(deps, now())),
    // By each copy, so that no figure of a former leader stays behind.
    loop({
      name: 'billing.measure',
      everyMs: measureEveryMs,
      run: () => measureBilling(deps, measures),
      log,
      metrics,
    }),
  ]
  return async () => void (await Promise.all(loops.map((loop) => loop.stop())))
}
