import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'

/** The measures of one process part (a server with its loops), served at /metrics. Services add their own to `registry`. */
export interface Metrics {
  registry: Registry
  requests: Histogram<'method' | 'route' | 'status'>
  loopRuns: Counter<'loop' | 'outcome'>
  loopSeconds: Histogram<'loop'>
  loopLastSuccess: Gauge<'loop'>
  leaseHeld: Gauge<'lease'>
  outboxDelivered: Counter<'stream'>
  outboxFailures: Counter<'stream'>
  outboxStuck: Gauge<'stream'>
  outboxOldestSeconds: Gauge<'stream'>
}

/** New measures in a registry of their own, so that several servers fit into one process. */
export function createMetrics(options: { process?: boolean; labels?: Record<string, string> } = {}): Metrics {
  const registry = new Registry()
  const registers = [registry]
  if (options.labels) registry.setDefaultLabels(options.labels)
  if (options.process) collectDefaultMetrics({ register: registry })
  const perStream = { labelNames: ['stream'] as const, registers }
  return {
    registry,
    requests: new Histogram({
      name: 'tallystick_http_request_seconds',
      help: 'Time from the first byte of a request to the last of its answer',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10],
      registers,
    }),
    loopRuns: new Counter({
      name: 'tallystick_loop_runs_total',
      help: 'Runs of a background loop by outcome',
      labelNames: ['loop', 'outcome'],
      registers,
    }),
    loopSeconds: new Histogram({
      name: 'tallystick_loop_seconds',
      help: 'Time that one run of a background loop took',
      labelNames: ['loop'],
      buckets: [0.001, 0.01, 0.1, 1, 10, 100],
      registers,
    }),
    loopLastSuccess: new Gauge({
      name: 'tallystick_loop_last_success_timestamp_seconds',
      help: 'When a background loop last ended a run well',
      labelNames: ['loop'],
      registers,
    }),
    leaseHeld: new Gauge({
      name: 'tallystick_lease_held',
      help: '1 while this process holds the lease',
      labelNames: ['lease'],
      registers,
    }),
    outboxDelivered: new Counter({
      name: 'tallystick_outbox_delivered_total',
      help: 'Events whose delivery was acknowledged',
      ...perStream,
    }),
    outboxFailures: new Counter({
      name: 'tallystick_outbox_failures_total',
      help: 'Deliveries that failed',
      ...perStream,
    }),
    outboxStuck: new Gauge({
      name: 'tallystick_outbox_stuck',
      help: 'Events that failed several times over and wait for their next attempt',
      ...perStream,
    }),
    outboxOldestSeconds: new Gauge({
      name: 'tallystick_outbox_oldest_seconds',
      help: 'Age of the oldest event that waits',
      ...perStream,
    }),
  }
}
