import { Fault } from '@tallystick/protocol'
import { Stripe } from 'stripe'
import { z } from 'zod'
import { api } from '../api.ts'
import { takeEvent } from './take-event.ts'

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
  const verify = (body: Buffer, header: string, now: Date) =>
    stripe.webhooks.constructEventAsync(body, header, secret, toleranceSeconds, undefined, now.getTime())

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
        const event = await verify(body, header, ctx.deps.now()).catch((error: unknown) => {
          if (error instanceof Stripe.errors.StripeSignatureVerificationError) throw unsigned()
          throw new Fault('bad_request', { detail: 'The body is no event of Stripe', cause: error })
        })
        return { received: true as const, outcome: await takeEvent(ctx.deps, stripe, event) }
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
