import type { Entropy } from '@tallystick/runtime'
import type { Store } from '@tallystick/storage'
import type { Logger } from 'pino'
import type { StoredParty } from './invoices/collections.ts'
import type { AccountsLink, Mailer, RightsLink } from './links.ts'
import type { PaymentProvider } from './payments/payment-provider.ts'
import type { TaxCalculator } from './taxes/tax-calculator.ts'

/** What the use-cases of the billing service are given. Built in start-billing.ts. */
export interface Deps extends Entropy {
  store: Store
  livemode: boolean
  log: Logger
  rights: RightsLink
  accounts: AccountsLink
  provider: PaymentProvider
  taxes: TaxCalculator
  mailer: Mailer
  /** How late a usage event may be reported after it occurred. */
  lateUsageDays: number
  /** Who the invoices are from. */
  seller: StoredParty
}
