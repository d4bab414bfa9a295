import { currencyCode, idSchema, metadata, reference, timestamp } from '@tallystick/protocol'
import { isCurrency } from '@tallystick/money'
import { z } from 'zod'
import { country, region } from '../taxes/tax-place.ts'

const timeZone = z
  .string()
  .max(64)
  .refine(isTimeZone, 'must be an IANA time zone such as Europe/Berlin')
  .meta({ examples: ['Europe/Berlin'] })

/** A currency that amounts can be held in. */
export const knownCurrency = currencyCode.refine(
  isCurrency,
  'must be a currency in force that has minor units',
)

const changeable = {
  name: reference.optional(),
  email: z.email().max(254).optional(),
  country: country.optional(),
  /** For taxes: `QC`, or `CA/Alameda` for a part of `CA`. A change of country alone ends it. */
  region: region.optional(),
  tax_id: reference.min(2).max(40).optional(),
  tax_treatment: z.enum(['taxable', 'exempt', 'reverse_charge']).optional(),
  /** A token of the payment provider; in the sandbox a test card such as `4242 4242 4242 4242`. */
  payment_method: reference.optional(),
  metadata: metadata.optional(),
}

/** `POST /v1/customers`. */
export const customerInput = z.strictObject({
  /** An account id, or the tenant's own name for the customer; usage events name it. */
  reference,
  currency: knownCurrency.default('USD'),
  time_zone: timeZone.default('UTC'),
  /** A test clock whose time holds for this customer; in test mode only. */
  test_clock: idSchema('testClock').optional(),
  ...changeable,
})
export type CustomerInput = z.infer<typeof customerInput>

/** `POST /v1/customers/{customer_id}`. */
export const customerChange = z.strictObject({ customer_id: idSchema('customer'), ...changeable })
export type CustomerChange = z.infer<typeof customerChange>

export const customerView = z
  .strictObject({
    object: z.literal('customer'),
    id: idSchema('customer'),
    livemode: z.boolean(),
    reference: z.string(),
    name: z.string(),
    email: z.string().optional(),
    currency: z.string(),
    time_zone: z.string(),
    country: z.string().optional(),
    region: z.string().optional(),
    tax_id: z.string().optional(),
    tax_treatment: z.string(),
    payment_method: z.strictObject({ provider: z.string(), brand: z.string(), last4: z.string() }).optional(),
    test_clock: z.string().optional(),
    delinquent_since: timestamp.optional(),
    suspended: z.boolean(),
    metadata: z.record(z.string(), z.string()),
    created_at: timestamp,
  })
  .meta({ id: 'Customer' })

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== ''
  } catch {
    return false
  }
}
