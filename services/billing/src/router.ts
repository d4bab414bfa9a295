import { alertsRouter } from './alerts/alerts-router.ts'
import { api } from './api.ts'
import { clocksRouter } from './clocks/clocks-router.ts'
import { creditsRouter } from './credits/credits-router.ts'
import { customersRouter } from './customers/customers-router.ts'
import { creditNotesRouter } from './invoices/credit-notes-router.ts'
import { invoicesRouter } from './invoices/invoices-router.ts'
import { ledgerRouter } from './ledger/ledger-router.ts'
import { paymentsRouter } from './payments/payments-router.ts'
import { plansRouter, pricesRouter } from './prices/prices-router.ts'
import { meterEventsRouter } from './stripe/meter-events-router.ts'
import { subscriptionsRouter } from './subscriptions/subscriptions-router.ts'
import { metersRouter } from './usage/meters-router.ts'
import { usageRouter } from './usage/usage-router.ts'

/** The billing service's procedures: the same over tRPC and REST. */
export const router = api.router({
  alerts: alertsRouter,
  creditNotes: creditNotesRouter,
  credits: creditsRouter,
  customers: customersRouter,
  invoices: invoicesRouter,
  ledger: ledgerRouter,
  meters: metersRouter,
  payments: paymentsRouter,
  plans: plansRouter,
  prices: pricesRouter,
  stripeMeterEvents: meterEventsRouter,
  subscriptions: subscriptionsRouter,
  testClocks: clocksRouter,
  usage: usageRouter,
})

/** The type that clients of the billing service are made from. */
export type BillingRouter = typeof router
