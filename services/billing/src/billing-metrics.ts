import type { AuditSink, Metrics } from '@tallystick/runtime'
import { Counter, Gauge } from 'prom-client'

/** The measures of the billing service beside those of every service. */
export interface BillingMetrics {
  events: Counter<'kind'>
  failingSubscriptions: Gauge
  failingOldestSeconds: Gauge
  unresolvedPayments: Gauge<'action'>
  unresolvedOldestSeconds: Gauge<'action'>
}

/** Registers the billing measures in `metrics`. */
export function billingMetrics({ registry }: Metrics): BillingMetrics {
  const registers = [registry]
  return {
    events: new Counter({
      name: 'tallystick_billing_events_total',
      help: 'What happened in billing by kind of event, such as invoice.finalized, counted when the audit service has it',
      labelNames: ['kind'],
      registers,
    }),
    failingSubscriptions: new Gauge({
      name: 'tallystick_billing_failing_subscriptions',
      help: 'Subscriptions whose period is over and cannot be charged (billing_failure), 1,000 at most',
      registers,
    }),
    failingOldestSeconds: new Gauge({
      name: 'tallystick_billing_failing_oldest_seconds',
      help: 'For how long the first of them could not be charged',
      registers,
    }),
    unresolvedPayments: new Gauge({
      name: 'tallystick_payments_unresolved',
      help: 'Payments of which the provider was asked something whose outcome is not known, by what was asked, 1,000 at most',
      labelNames: ['action'],
      registers,
    }),
    unresolvedOldestSeconds: new Gauge({
      name: 'tallystick_payments_unresolved_oldest_seconds',
      help: 'How long ago the first of them was asked for',
      labelNames: ['action'],
      registers,
    }),
  }
}

/** A sink that counts the records which it has taken, by their kind. */
export function countedSink(sink: AuditSink, { events }: Pick<BillingMetrics, 'events'>): AuditSink {
  return {
    async record(tenant, records) {
      const outcomes = await sink.record(tenant, records)
      const kinds = new Map<string, number>()
      for (const { kind } of records) kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
      for (const [kind, count] of kinds) events.inc({ kind }, count)
      return outcomes
    },
  }
}
