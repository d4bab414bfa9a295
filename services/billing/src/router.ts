import { api } from './api.ts'
import { creditsRouter } from './credits/credits-router.ts'
import { customersRouter } from './customers/customers-router.ts'
import { ledgerRouter } from './ledger/ledger-router.ts'
import { paymentsRouter } from './payments/payments-router.ts'
import { plansRouter, pricesRouter } from './prices/prices-router.ts'

/** The billing service's procedures: the same over tRPC and REST. */
export const router = api.router({
  credits: creditsRouter,
  customers: customersRouter,
  ledger: ledgerRouter,
  payments: paymentsRouter,
  plans: plansRouter,
  prices: pricesRouter,
})

/** The type that clients of the billing service are made from. */
export type BillingRouter = typeof router
