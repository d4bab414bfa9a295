import type { Metrics } from '@tallystick/runtime'
import { Counter, Gauge } from 'prom-client'

/** The measures of the audit service beside those of every service. */
export interface AuditMetrics {
  sequenced: Counter
  logSize: Gauge
  queueOldestSeconds: Gauge
  mergeLateSeconds: Gauge
  signingRefused: Counter<'chain' | 'reason'>
  anchorWaiting: Gauge<'chain' | 'reason'>
  anchoredSize: Gauge<'chain'>
  kmsFailures: Counter<'operation' | 'reason'>
}

/** Registers the audit measures in `metrics`. */
export function auditMetrics({ registry }: Metrics): AuditMetrics {
  const registers = [registry]
  return {
    sequenced: new Counter({
      name: 'tallystick_log_entries_sequenced_total',
      help: 'Entries that this process placed',
      registers,
    }),
    logSize: new Gauge({
      name: 'tallystick_log_published_size',
      help: 'Size of the last published checkpoint',
      registers,
    }),
    queueOldestSeconds: new Gauge({
      name: 'tallystick_queue_oldest_seconds',
      help: 'Age of the oldest entry without a place in the log',
      registers,
    }),
    mergeLateSeconds: new Gauge({
      name: 'tallystick_merge_late_seconds',
      help: 'By how much the oldest waiting entry has passed its merge_by; alert above 0',
      registers,
    }),
    signingRefused: new Counter({
      name: 'tallystick_log_signing_refused_total',
      help: 'Times that no checkpoint was signed, since a chain holds a head that is not in the log; alert when it grows',
      labelNames: ['chain', 'reason'],
      registers,
    }),
    anchorWaiting: new Gauge({
      name: 'tallystick_anchor_waiting',
      help: '1 while anchoring on a chain waits for the reason named',
      labelNames: ['chain', 'reason'],
      registers,
    }),
    anchoredSize: new Gauge({
      name: 'tallystick_anchor_last_step_size',
      help: 'Size of the head that anchoring last moved',
      labelNames: ['chain'],
      registers,
    }),
    kmsFailures: new Counter({
      name: 'tallystick_kms_failures_total',
      help: 'Calls that the KMS did not carry out, after the retries of each: unreachable or refused',
      labelNames: ['operation', 'reason'],
      registers,
    }),
  }
}
