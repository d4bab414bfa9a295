import { Fault } from '@tallystick/protocol'
import { auditIdOf } from '@tallystick/receipt'
import type { Caller } from '@tallystick/runtime'
import { insert } from '@tallystick/storage'
import type { Stored } from '@tallystick/storage'
import { timeOf } from '../clocks/time-of.ts'
import { findCustomer } from '../customers/find-customer.ts'
import type { Customer } from '../customers/find-customer.ts'
import type { Deps } from '../deps.ts'
import { invoices } from '../invoices/collections.ts'
import { stillOwed } from '../invoices/settle-invoice.ts'
import { carryOut } from './ask-provider.ts'
import { payments } from './collections.ts'
import { paymentIdOf, withIntent } from './payment-machine.ts'
import type { Payment } from './payment-machine.ts'
import type { AuthorizeInput } from './payment-schemas.ts'

/** What is to be held on a customer's method. `name` makes the payment: the same name is the same payment. */
export interface Authorization {
  name: string
  tenant: string
  customer: Customer
  amount: bigint
  currency: string
  invoice?: string | undefined
  license?: string | undefined
  metadata: Record<string, string>
}

/** Holds money for a request of the API. `requestKey` is shared by repetitions of the request, which hold it once. */
export async function authorizePayment(
  deps: Deps,
  caller: Caller,
  requestKey: string,
  input: AuthorizeInput,
): Promise<Payment> {
  const { tenant } = caller
  const customer = await findCustomer(deps, caller, input.customer)
  const due = input.invoice === undefined ? undefined : await amountDue(deps, customer, input.invoice)
  const amount = input.amount === undefined ? due : BigInt(input.amount)
  const currency = input.currency ?? customer.currency
  if (amount === undefined) throw refused('/amount', 'is needed where no invoice is named')
  if (due !== undefined && amount > due)
    throw refused('/amount', `is more than the ${due} that the invoice has due`)
  if (currency !== customer.currency)
    throw refused('/currency', `is not the customer's, ${customer.currency}`)
  const { invoice, license, metadata } = input
  const name = `request:${requestKey}`
  return authorize(deps, { name, tenant, customer, amount, currency, invoice, license, metadata })
}

/** Holds money on a customer's method, once for each name. Resumes what a crash has left. */
export async function authorize(deps: Deps, wanted: Authorization): Promise<Payment> {
  const { tenant, customer, name } = wanted
  const id = paymentIdOf(tenant, name)
  const before = await deps.store.get(payments, id)
  if (before) return carryOut(deps, before, { askedBefore: true })
  if (!customer.paymentMethod) {
    throw new Fault('invalid_state', {
      detail: 'The customer has no payment method; add one with payment_method',
    })
  }
  if (customer.paymentMethod.provider !== deps.provider.name) {
    throw new Fault('invalid_state', {
      detail: `The customer's payment method belongs to ${customer.paymentMethod.provider}; add one again`,
    })
  }
  const at = await timeOf(deps, customer)
  const { amount, currency, invoice, license, metadata } = wanted
  const payment: Payment = {
    id,
    tenant,
    customer: customer.id,
    ...(invoice !== undefined && { invoice }),
    ...(license !== undefined && { license }),
    currency,
    amount,
    captured: 0n,
    refunded: 0n,
    status: 'authorizing',
    deeds: 0,
    provider: deps.provider.name,
    method: customer.paymentMethod.token,
    metadata,
    createdAt: at,
    updatedAt: at,
    // Of the event that its answer will be; until then of none.
    auditId: auditIdOf(tenant, id),
  }
  const intended = withIntent(payment, { action: 'authorize', amount }, { at, now: deps.now() })
  return carryOut(deps, await insertOnce(deps, intended), { askedBefore: false })
}

/** Stores a payment unless its twin was quicker; gives the one that stands. */
async function insertOnce({ store }: Pick<Deps, 'store'>, payment: Payment): Promise<Stored<Payment>> {
  try {
    await store.commit([insert(payments, payment)])
    return { ...payment, version: 1 }
  } catch (error) {
    const twin = await store.get(payments, payment.id)
    if (twin) return twin
    throw error
  }
}

async function amountDue({ store }: Pick<Deps, 'store'>, customer: Customer, id: string): Promise<bigint> {
  const invoice = await store.get(invoices, id)
  if (!invoice || invoice.tenant !== customer.tenant || invoice.customer !== customer.id) {
    throw new Fault('reference_not_found', {
      errors: [{ pointer: '/invoice', message: 'names no invoice of the customer' }],
    })
  }
  const owed = stillOwed(invoice)
  if (owed === 0n)
    throw new Fault('invalid_state', { detail: `The invoice is ${invoice.status}: nothing is due` })
  return owed
}

function refused(pointer: string, message: string): Fault {
  return new Fault('validation_failed', { errors: [{ pointer, message }] })
}
