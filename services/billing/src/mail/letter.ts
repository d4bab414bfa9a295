import { outboxEvent, relay } from '@tallystick/runtime'
import type { Loop, RelayOptions } from '@tallystick/runtime'
import type { Write } from '@tallystick/storage'
import { z } from 'zod'
import type { Letter, Mailer } from '../links.ts'

const stream = 'mail'
const content = z.strictObject({ to: z.string(), subject: z.string(), text: z.string() })

/** The write that promises a letter; it belongs into the commit of what the letter tells. */
export function letter(
  { id, to, subject, text }: Letter,
  { tenant, at }: { tenant: string; at: Date },
): Write {
  return outboxEvent({ id, tenant, at, type: 'letter', stream, data: { to, subject, text } })
}

/** Carries letters out of the outbox to the mailer; at least once, so a mailer drops ids that it has seen. */
export function mailRelay({
  mailer,
  ...options
}: Omit<RelayOptions, 'deliver' | 'stream'> & { mailer: Mailer }): Loop {
  return relay({
    ...options,
    stream,
    async deliver(events) {
      for (const { id, data } of events) await mailer.send({ id, ...content.parse(data) })
    },
  })
}
