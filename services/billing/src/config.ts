import { readFileSync } from 'node:fs'
import { commonConfig, linkConfig, loadConfig } from '@tallystick/runtime'
import { z } from 'zod'
import type { StoredParty } from './invoices/collections.ts'
import { taxTable } from './taxes/tax-table.ts'
import type { TaxTable } from './taxes/tax-table.ts'

/** Every variable of the billing service. */
export const billingConfig = z.object({
  ...commonConfig,
  TAX_FILE: z.string().optional().describe('JSON file with taxes by country; without it no tax is added'),
  MAIL_DIR: z
    .string()
    .default('./data/mail')
    .describe('Where letters are written as files while SMTP_URL is not set'),
  SMTP_URL: z
    .string()
    .regex(/^smtps?:\/\/.+/, 'must be smtp://… or smtps://…')
    .optional()
    .describe('The SMTP server that sends letters'),
  MAIL_FROM: z.string().default('billing@localhost').describe('The sender of letters'),
  SELLER_NAME: z.string().max(200).default('Tallystick').describe('Who the invoices are from'),
  SELLER_ADDRESS: z
    .string()
    .max(1000)
    .default('')
    .describe('The address on invoices; lines are separated by a semicolon'),
  SELLER_TAX_ID: z.string().max(40).optional().describe('The tax id on invoices, such as a VAT id'),
  STRIPE_SECRET_KEY: z
    .string()
    .regex(/^(sk|rk)_(test|live)_\w+$/, 'must be sk_test_…, sk_live_…, rk_test_… or rk_live_…')
    .optional()
    .describe('A secret key of Stripe; without it payments go through the sandbox, which moves nothing'),
  STRIPE_WEBHOOK_SECRET: z
    .string()
    .regex(/^whsec_[^\s,]+(,whsec_[^\s,]+)*$/, 'must be whsec_…, or several with commas between')
    .optional()
    .describe(
      'Verifies what Stripe sends to /v1/webhooks/stripe, several separated by commas; without it the path is not there',
    ),
  STRIPE_API_BASE: z
    .string()
    .regex(/^http:\/\/(127\.0\.0\.1|localhost):\d+$/, 'must be http://127.0.0.1:PORT')
    .optional()
    .describe('A stand-in for Stripe on this machine, for tests'),
  STRIPE_TIMEOUT_MS: z.coerce
    .number()
    .int()
    .min(100)
    .max(25_000)
    .default(20_000)
    .describe('How long an answer of Stripe is waited for; then it is looked up what became of the request'),
  PAYMENT_RETURN_URL: z
    .url({ protocol: /^https?$/ })
    .default('http://localhost/')
    .describe('Where buyers come back to after they authenticated a payment at their bank'),
  LATE_USAGE_DAYS: z.coerce
    .number()
    .int()
    .min(1)
    .max(366)
    .default(35)
    .describe('How late a usage event may be reported after it occurred'),
})
export type BillingConfig = z.output<typeof billingConfig>

/** What the service needs besides when it runs alone. */
export const billingLinks = z.object({
  ...linkConfig,
  LICENSING_URL: z
    .url({ protocol: /^https?$/ })
    .describe('Where the licensing service answers: rights to reported uses are checked there'),
})

/** Reads the configuration from the environment. Throws ConfigError. */
export function readConfig(
  env: NodeJS.ProcessEnv = process.env,
): BillingConfig & z.output<typeof billingLinks> {
  return loadConfig(billingConfig.extend(billingLinks.shape), env)
}

/** The tax table of a file, or an empty one. Throws for a file that cannot be used. */
export function readTaxTable(path: string | undefined): TaxTable {
  if (path === undefined) return taxTable.parse({})
  try {
    return taxTable.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch (error) {
    const why = error instanceof z.ZodError ? `: ${z.prettifyError(error)}` : ''
    throw new Error(`The tax file ${path} cannot be used; see "Taxes" in docs/billing.md${why}`, {
      cause: error,
    })
  }
}

/** Who the invoices are from, as the configuration names it. */
export function sellerOf(config: BillingConfig): StoredParty {
  const { SELLER_NAME: name, SELLER_ADDRESS: address, SELLER_TAX_ID: taxId } = config
  const lines = address.split(';').map((line) => line.trim())
  return { name, address: lines.filter((line) => line !== ''), ...(taxId !== undefined && { taxId }) }
}
