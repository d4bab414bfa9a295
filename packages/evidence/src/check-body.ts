import { createHash } from 'node:crypto'
import { formatContentHash } from '@tallystick/protocol'
import { canonicalize, parseStrictJson, StrictJsonError } from '@tallystick/receipt'
import type { ReceiptPayload } from '@tallystick/receipt'
import { z } from 'zod'
import { describeIssues } from './evidence-bundle.ts'
import type { Check } from './verdict.ts'

const eventAndSalt = z.object({
  event: z.string(),
  salt: z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 lower-case hex digits'),
})
// As `GET /v1/audit/{audit_id}/body` answers it, or the record itself.
const answer = z.union([eventAndSalt, z.object({ body: eventAndSalt }).transform(({ body }) => body)])

const toldTwice = ['kind', 'event', 'actor', 'licenses', 'items', 'usage'] as const

/**
 * Checks the JSON text of an event and its salt against the receipt that promised them: the digest, and that event and
 * receipt name the same parties and things. The message has the event's text.
 */
export function checkBody(receipt: ReceiptPayload, text: string): Check {
  const failed = (message: string): Check => ({ step: 'body', ok: false, message })
  try {
    const parsed = answer.safeParse(parseStrictJson(text))
    if (!parsed.success) return failed(`not an event and its salt: ${describeIssues(parsed.error)}`)
    const { event, salt } = parsed.data
    const digest = createHash('sha256').update(Buffer.from(salt, 'hex')).update(event).digest()
    if (formatContentHash(digest) !== receipt.body)
      return failed('this is not the event that the receipt promises')
    const record = z.record(z.string(), z.unknown()).parse(parseStrictJson(event))
    const other = toldTwice.find((name) => formOf(record[name]) !== formOf(receipt[name]))
    if (other !== undefined) return failed(`event and receipt do not name the same ${other}`)
    return { step: 'body', ok: true, message: `the receipt promises this event: ${event}` }
  } catch (error) {
    if (!(error instanceof StrictJsonError || error instanceof z.ZodError)) throw error
    return failed(`not an event and its salt: ${error.message}`)
  }
}

function formOf(value: unknown): string {
  return value === undefined ? '' : canonicalize(value)
}
