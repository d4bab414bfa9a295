import type { AuditRecord } from '@tallystick/protocol'
import type { Write } from '@tallystick/storage'
import { outboxEvent } from './outbox.ts'
import type { OutboxEvent } from './outbox.ts'
import { relay } from './relay.ts'
import type { RelayOptions } from './relay.ts'
import type { Loop } from './loop.ts'

/** Where events become receipts: the audit service, over HTTP or in the same process. */
export interface AuditSink {
  /** Records events of one tenant; idempotent by event id. Gives for each what became of it, in order. */
  record(tenant: string, records: readonly AuditRecord[]): Promise<readonly AuditOutcome[]>
}

/** What became of one record. */
export type AuditOutcome =
  | { status: 'recorded' | 'duplicate'; event: string }
  | { status: 'refused'; event: string; error: { code: string; detail: string } }

const stream = 'audit'
// What the audit service takes in one call; of text three bytes a character at most, where it takes 4 MiB.
const mostRecords = 1000
const mostText = 2 ** 20

/**
 * The write that promises a receipt for a change; it belongs into the commit of that change. Its audit id is
 * `auditIdOf(tenant, id)` of `@tallystick/receipt`, known before the receipt exists.
 */
export function auditEvent(event: {
  id: string
  tenant: string
  at: Date
  record: Omit<AuditRecord, 'event'>
}): Write {
  const { id, tenant, at, record } = event
  const records = [JSON.stringify({ event: id, ...record })]
  return outboxWrite({ id, tenant, at, type: record.kind }, records)
}

const packedBytes = 200 * 1024

/**
 * The writes that promise receipts for many changes of one commit, many records to an outbox document: a thousand
 * events cost a handful of writes. Each record is delivered by its own event id.
 */
export function auditEvents({
  tenant,
  at,
  records,
}: {
  tenant: string
  at: Date
  records: readonly AuditRecord[]
}): Write[] {
  const writes: Write[] = []
  let packed: string[] = []
  let id = ''
  let size = 0
  const flush = () => {
    writes.push(outboxWrite({ id, tenant, at, type: 'audit.records' }, packed))
    packed = []
    size = 0
  }
  for (const record of records) {
    const text = JSON.stringify(record)
    const bytes = Buffer.byteLength(text)
    if (packed.length === mostRecords || (size > 0 && size + bytes > packedBytes)) flush()
    if (packed.length === 0) id = record.event
    packed.push(text)
    size += bytes
  }
  if (packed.length > 0) flush()
  return writes
}

/** Records go as text: a document within a document would be checked, encoded and decoded field by field. */
function outboxWrite(
  event: Pick<OutboxEvent, 'id' | 'tenant' | 'at' | 'type'>,
  records: readonly string[],
): Write {
  return outboxEvent({ ...event, stream, data: { records: `[${records.join()}]` } })
}

/** The records that an event of the audit stream carries. */
export function auditRecordsOf({ id, data }: Pick<OutboxEvent, 'id' | 'data'>): AuditRecord[] {
  const { records } = data
  // They were put there in the commit of the change; the audit service checks what it is sent.
  if (typeof records === 'string') return JSON.parse(records) as AuditRecord[]
  // Written when a lone record was the event's data itself.
  return [{ event: id, ...(data as unknown as Omit<AuditRecord, 'event'>) }]
}

/** Carries audit events out of a service's outbox to the audit service. */
export function auditRelay({
  sink,
  ...options
}: Omit<RelayOptions, 'deliver' | 'stream'> & { sink: AuditSink }): Loop {
  return relay({
    ...options,
    stream,
    async deliver(events) {
      const byTenant = Map.groupBy(events, ({ tenant }) => tenant)
      for (const [tenant, ofTenant] of byTenant) {
        for (const records of callsOf(ofTenant)) await recordAll(sink, tenant, records)
      }
    },
  })
}

async function recordAll(sink: AuditSink, tenant: string, records: readonly AuditRecord[]): Promise<void> {
  const outcomes = await sink.record(tenant, records)
  const refused = outcomes.find((outcome) => outcome.status === 'refused')
  if (refused) throw new Error(`${refused.event} was refused: ${refused.error.code}: ${refused.error.detail}`)
}

/** The records of some outbox events, in order, in as few calls as the audit service takes. */
function* callsOf(events: readonly OutboxEvent[]): Iterable<AuditRecord[]> {
  let call: AuditRecord[] = []
  let size = 0
  for (const event of events) {
    const records = auditRecordsOf(event)
    const { length } = String(event.data['records'])
    if (call.length > 0 && (call.length + records.length > mostRecords || size + length > mostText)) {
      yield call
      call = []
      size = 0
    }
    call.push(...records)
    size += length
  }
  if (call.length > 0) yield call
}
