import { Fault } from '@tallystick/protocol'
import { Stripe } from 'stripe'
import { z } from 'zod'
import { api } from '../api.ts'
import type { Deps } from '../deps.ts'
import { takeEvent } from './take-event.ts'
import type { EventOutcome } from './take-event.ts'
import { takeMeterReport } from './take-meter-report.ts'

const toleranceSeconds = 300
const maxBytes = 1024 * 1024
const answer = z.strictObject({
  received: z.literal(true),
  outcome: z.enum(['recorded', 'duplicate', 'ignored']),
})
const example = '{"id":"evt_1","object":"event","type":"payment_intent.succeeded","data":{"object":{}}}'
const types = { 'application/json': { description: 'An Event of Stripe, signed as it stands.', example } }

/**
 * `POST /v1/webhooks/stripe`: what Stripe tells of payments, signed with the endpoint's secret. The signature is over
 * the bytes that were sent, so the body is not read as JSON before it is verified.
 */
export function stripeWebhookRouter({ stripe, secret }: { stripe: Stripe; secret: string }) {
  // One secret for each endpoint at Stripe: snapshots and notifications come from different ones.
  const secrets = secret.split(',')
  /** Takes the body with the first secret that it was signed with. */
  async function take(deps: Deps, body: Buffer, header: string): Promise<EventOutcome> {
    const now = deps.now().getTime()
    for (const [place, one] of secrets.entries()) {
      const terms = [body, header, one, toleranceSeconds, undefined, now] as const
      try {
        if (isNotification(body))
          return await takeMeterReport(deps, stripe, await stripe.parseEventNotificationAsync(...terms))
        return await takeEvent(deps, stripe, await stripe.webhooks.constructEventAsync(...terms))
      } catch (error) {
        const isUnsigned = error instanceof Stripe.errors.StripeSignatureVerificationError
        if (isUnsigned && place < secrets.length - 1) continue
        if (isUnsigned) throw unsigned()
        if (!(error instanceof SyntaxError)) throw error
        throw new Fault('bad_request', { detail: 'The body is no event of Stripe', cause: error })
      }
    }
    throw unsigned()
  }

  return api.router({
    stripeWebhook: api
      .procedure({
        tags: ['Payments'],
        summary: 'Take an event of Stripe',
        description: 'Needs no key: Stripe signs what it sends, in the header Stripe-Signature.',
        scope: 'public',
        rest: { method: 'POST', path: '/v1/webhooks/stripe', takes: { types, maxBytes } },
      })
      .output(answer)
      .mutation(async ({ ctx }) => {
        const header = ctx.requestHeader('stripe-signature')
        if (header === undefined) throw unsigned()
        const body = await wholeOf(ctx.upload().bytes)
        return { received: true as const, outcome: await take(ctx.deps, body, header) }
      }),
  })
}

async function wholeOf(bytes: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  for await (const piece of bytes) pieces.push(piece)
  return Buffer.concat(pieces)
}

function unsigned(): Fault {
  return new Fault('bad_request', { detail: 'The Stripe-Signature is missing, wrong or too old' })
}

/** Whether it is the short form, of what must be fetched; read before it is verified, and trusted in nothing. */
function isNotification(body: Buffer): boolean {
  try {
    const read: unknown = JSON.parse(body.toString())
    return typeof read === 'object' && read !== null && Reflect.get(read, 'object') === 'v2.core.event'
  } catch {
    return false
  }
}
