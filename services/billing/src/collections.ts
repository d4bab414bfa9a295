import { idempotency, outbox } from '@tallystick/runtime'
import type { Collection } from '@tallystick/storage'
import { alertStates, usageAlerts } from './alerts/collections.ts'
import { testClocks } from './clocks/collections.ts'
import { creditGrants } from './credits/collections.ts'
import { customers } from './customers/collections.ts'
import { creditNotes, invoiceCounters, invoices } from './invoices/collections.ts'
import { balanceCheckpoints, journals, ledgerAccounts } from './ledger/collections.ts'
import { disputes, payments, refunds } from './payments/collections.ts'
import { sandboxDeeds, sandboxHolds } from './payments/sandbox-provider.ts'
import { plans, prices } from './prices/collections.ts'
import { stripeCustomers, stripeEvents, stripeMeterEvents } from './stripe/collections.ts'
import { billedUsage, licenseHolders, subscriptions } from './subscriptions/collections.ts'
import {
  lateUsage,
  meterEpochs,
  meters,
  usageControls,
  usageDays,
  usageEvents,
  usageMembers,
  usageValues,
} from './usage/collections.ts'

/** What the billing service must keep. */
export const billingCollections: Collection[] = [
  alertStates,
  balanceCheckpoints,
  billedUsage,
  creditGrants,
  creditNotes,
  customers,
  disputes,
  idempotency,
  invoiceCounters,
  invoices,
  journals,
  ledgerAccounts,
  lateUsage,
  licenseHolders,
  meterEpochs,
  meters,
  outbox,
  payments,
  plans,
  prices,
  refunds,
  sandboxDeeds,
  sandboxHolds,
  stripeCustomers,
  stripeEvents,
  stripeMeterEvents,
  subscriptions,
  testClocks,
  usageAlerts,
  usageControls,
  usageDays,
  usageEvents,
  usageMembers,
  usageValues,
]
