import type { Store } from '@tallystick/storage'
import type { Logger } from 'pino'
import type { Stripe } from 'stripe'
import type { BillingConfig } from '../config.ts'
import { stripeClient } from '../stripe/stripe-client.ts'
import { stripeProvider } from '../stripe/stripe-provider.ts'
import type { PaymentProvider } from './payment-provider.ts'
import { sandboxProvider } from './sandbox-provider.ts'

/** The rail that moves money: Stripe when there is a key for it, else the sandbox. Throws for a key of the other mode. */
export function chooseProvider(
  config: BillingConfig,
  { store, now, log }: { store: Store; now: () => Date; log: Logger },
): { provider: PaymentProvider; stripe?: Stripe } {
  const { STRIPE_SECRET_KEY: key, STRIPE_API_BASE: base, STRIPE_TIMEOUT_MS: timeout, MODE: mode } = config
  if (key === undefined) {
    if (mode === 'live')
      log.warn('payments go through the sandbox, which moves no money; set STRIPE_SECRET_KEY')
    return { provider: sandboxProvider({ store }) }
  }
  if (!key.includes(`_${mode}_`)) throw new Error(`STRIPE_SECRET_KEY is no key of the mode ${mode}`)
  const stripe = stripeClient({ key, base, timeout })
  const returnUrl = config.PAYMENT_RETURN_URL
  return { stripe, provider: stripeProvider({ store, stripe, now, returnUrl }) }
}
