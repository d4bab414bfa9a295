import { Fault } from '@tallystick/protocol'
import type { FastifyInstance } from 'fastify'
import { Stripe } from 'stripe'
import type { Deps } from '../deps.ts'
import { takeEvent } from './take-event.ts'

const toleranceSeconds = 300
const bodyLimit = 1024 * 1024

/**
 * `POST /v1/webhooks/stripe`: what Stripe tells of payments, signed with the endpoint's secret. The signature is over
 * the bytes that were sent, so the body is not read as JSON before it is verified.
 */
export function registerStripeWebhook(
  server: FastifyInstance,
  deps: Deps,
  { stripe, secret }: { stripe: Stripe; secret: string },
): void {
  server.removeAllContentTypeParsers()
  server.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) =>
    done(null, body),
  )
  server.post('/v1/webhooks/stripe', { bodyLimit }, async (request) => {
    const { body } = request
    const header = request.headers['stripe-signature']
    if (!Buffer.isBuffer(body) || typeof header !== 'string') throw unsigned()
    const event = await verify(body, header).catch((error: unknown) => {
      if (error instanceof Stripe.errors.StripeSignatureVerificationError) throw unsigned()
      throw new Fault('bad_request', { detail: 'The body is no event of Stripe', cause: error })
    })
    return { received: true, outcome: await takeEvent(deps, stripe, event) }
  })

  const verify = (body: Buffer, header: string) =>
    stripe.webhooks.constructEventAsync(
      body,
      header,
      secret,
      toleranceSeconds,
      undefined,
      deps.now().getTime(),
    )
}

function unsigned(): Fault {
  return new Fault('bad_request', { detail: 'The Stripe-Signature is missing, wrong or too old' })
}
