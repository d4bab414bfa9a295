import { collection, insert } from '@tallystick/storage'
import type { Write } from '@tallystick/storage'
import { z } from 'zod'

/** An event on its way to another service, kept from the commit of its change until its delivery is acknowledged. */
export const outboxEventSchema = z.strictObject({
  id: z.string(),
  /** Events of one stream are relayed in order by one relay, to one destination. */
  stream: z.string(),
  tenant: z.string(),
  type: z.string(),
  at: z.date(),
  data: z.record(z.string(), z.unknown()),
  /** When its next attempt is due; `at` at first. */
  dueAt: z.date(),
  /** Orders the events that one process wrote in the same millisecond. */
  sequence: z.number(),
  attempts: z.number(),
  /** Set once it was refused and put aside; kept until it is delivered. */
  parked: z.boolean().optional(),
  /** Set once an event has failed so often that someone should look. */
  stuck: z.boolean().optional(),
})
export type OutboxEvent = z.infer<typeof outboxEventSchema>

export const outbox = collection('outbox', {
  schema: outboxEventSchema,
  partition: 'id',
  indexes: {
    byDue: ['stream', 'dueAt', 'sequence'],
    parked: { keys: ['stream', 'at', 'sequence'], where: { parked: true } },
    stuck: { keys: ['stream', 'dueAt'], where: { stuck: true } },
  },
})

let sequence = 0

/**
 * The write that announces a change; it belongs into the commit of that change, so that there is never one without
 * the other. `id` makes the event: receivers drop what they have seen. `at` is the time of writing.
 */
export function outboxEvent(
  event: Pick<OutboxEvent, 'id' | 'tenant' | 'type' | 'at' | 'data'> & { stream?: string },
): Write {
  const { stream = 'events', at } = event
  return insert(outbox, { ...event, stream, dueAt: at, sequence: sequence++, attempts: 0 })
}
