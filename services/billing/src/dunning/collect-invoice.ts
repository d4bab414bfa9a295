import { replace } from '@tallystick/storage'
import type { Stored } from '@tallystick/storage'
import { customers } from '../customers/collections.ts'
import type { Customer } from '../customers/find-customer.ts'
import type { Deps } from '../deps.ts'
import { invoices } from '../invoices/collections.ts'
import type { StoredInvoice } from '../invoices/find-invoice.ts'
import { stillOwed } from '../invoices/settle-invoice.ts'
import { authorize } from '../payments/authorize-payment.ts'
import { capturePayment, voidPayment } from '../payments/change-payment.ts'
import { payments } from '../payments/collections.ts'
import type { PaymentStatus } from '../payments/collections.ts'
import { paymentIdOf } from '../payments/payment-machine.ts'
import type { Payment } from '../payments/payment-machine.ts'

/** What came of an attempt to collect an invoice. */
export type Collected =
  | { outcome: 'paid' | 'nothing_due' | 'no_method' }
  /** The provider has not answered, or another payment for the invoice is under way: nothing was retried. */
  | { outcome: 'unknown' | 'busy'; payment: Payment }
  | { outcome: 'requires_action'; payment: Payment; attempt: number }
  | { outcome: 'failed'; payment: Payment; attempt: number; hard: boolean; code: string }

const underWay: ReadonlySet<PaymentStatus> = new Set([
  'authorizing',
  'requires_action',
  'authorized',
  'capturing',
  'voiding',
])

/**
 * Takes what an invoice has due from its customer's payment method. An attempt has a name of its own
 * (`invoice:<id>:<attempt>`), so whoever repeats it, at once or after a crash, goes on with the same payment. With
 * `supersede`, or another method than before, an authentication that nobody gave is let go of and asked for anew.
 */
export async function collectInvoice(
  deps: Deps,
  id: string,
  { supersede = false }: { supersede?: boolean } = {},
): Promise<Collected> {
  const invoice = await deps.store.get(invoices, id)
  if (!invoice || stillOwed(invoice) === 0n) return { outcome: 'nothing_due' }
  const customer = await deps.store.get(customers, invoice.customer)
  if (!customer) throw new Error(`The customer ${invoice.customer} is not there`)
  const other = await otherPayment(deps, invoice)
  if (other) return { outcome: 'busy', payment: other }
  const payment = await attempt(deps, invoice, customer)
  if (!payment) return { outcome: 'no_method' }
  const { attempts } = invoice
  if (payment.intent && payment.status !== 'requires_action') return { outcome: 'unknown', payment }
  switch (payment.status) {
    case 'captured': {
      const settled = await deps.store.get(invoices, id)
      if (!settled || stillOwed(settled) === 0n) return { outcome: 'paid' }
      break
    }
    case 'requires_action':
      if (!supersede && payment.method === customer.paymentMethod?.token)
        return { outcome: 'requires_action', payment, attempt: attempts }
      if (!(await letGo(deps, payment.id))) return { outcome: 'unknown', payment }
      break
    case 'failed': {
      const { hard = false, code = 'declined' } = payment.failure ?? {}
      return { outcome: 'failed', payment, attempt: attempts, hard, code }
    }
    case 'authorized': {
      // It could be held but not taken: let go of it, and count the attempt as failed.
      if (!(await letGo(deps, payment.id))) return { outcome: 'unknown', payment }
      const { hard = false, code = 'capture_failed' } = payment.failure ?? {}
      return { outcome: 'failed', payment, attempt: attempts, hard, code }
    }
    default:
  }
  // This attempt's payment is spent (let go, expired, given back): the next one takes its place.
  await passAttempt(deps, id, attempts)
  return collectInvoice(deps, id)
}

/** The name under which an attempt to collect an invoice asks for its payment. */
export function attemptPaymentId({ tenant, id }: StoredInvoice, attempts: number): string {
  return paymentIdOf(tenant, `invoice:${id}:${attempts}`)
}

/** Holds and captures; resumes what is there already. Undefined where there is no method to ask. */
async function attempt(deps: Deps, invoice: StoredInvoice, customer: Customer): Promise<Payment | undefined> {
  const { tenant, id, currency, attempts } = invoice
  const begun = await deps.store.get(payments, attemptPaymentId(invoice, attempts))
  if (!begun && !customer.paymentMethod) return undefined
  const name = `invoice:${id}:${attempts}`
  const amount = stillOwed(invoice)
  const held = await authorize(deps, {
    name,
    tenant,
    customer,
    amount,
    currency,
    invoice: id,
    metadata: {},
  })
  if (held.status !== 'authorized') return held
  return deps.store.attempt(async () => {
    const payment = await deps.store.get(payments, held.id)
    if (!payment) throw new Error(`The payment ${held.id} is not there`)
    // Somebody who collects at the same time may be capturing it, or have captured it.
    if (payment.status !== 'authorized' && payment.status !== 'capturing') return payment
    if (payment.status === 'capturing') return capturePayment(deps, payment, payment.intent?.amount)
    return capturePayment(deps, payment, payment.amount < amount ? payment.amount : amount)
  })
}

/** A payment for the invoice that is under way and was not begun by its collection. */
async function otherPayment(deps: Deps, invoice: StoredInvoice): Promise<Stored<Payment> | undefined> {
  const own = attemptPaymentId(invoice, invoice.attempts)
  const equals = [invoice.tenant, invoice.id]
  for await (const payment of deps.store.scan(payments.byInvoice, { equals })) {
    if (payment.id !== own && underWay.has(payment.status)) return payment
  }
  return undefined
}

/** Gives back what is held; whether nothing is held any more. */
async function letGo(deps: Deps, id: string): Promise<boolean> {
  return deps.store.attempt(async () => {
    const payment = await deps.store.get(payments, id)
    if (!payment) return true
    if (
      payment.status === 'voiding' ||
      payment.status === 'authorized' ||
      payment.status === 'requires_action'
    )
      return (await voidPayment(deps, payment)).status === 'voided'
    return !underWay.has(payment.status)
  })
}

async function passAttempt(deps: Deps, id: string, attempts: number): Promise<void> {
  await deps.store.attempt(async () => {
    const found = await deps.store.get(invoices, id)
    if (found?.attempts !== attempts) return
    const { version, ...invoice } = found
    await deps.store.commit([replace(invoices, { ...invoice, attempts: attempts + 1 }, version)])
  })
}
