import { hash } from 'node:crypto'
import { derivedId } from '@tallystick/protocol'
import { auditIdOf } from '@tallystick/receipt'
import type { z } from 'zod'
import { timeOf } from '../clocks/time-of.ts'
import { customers } from '../customers/collections.ts'
import type { Deps } from '../deps.ts'
import { bookAnswer } from './book-payment.ts'
import { payments, refunds } from './collections.ts'
import { intended, permits } from './payment-machine.ts'
import type { Payment } from './payment-machine.ts'

/** What was done to a payment at its provider by somebody else than this service. */
export interface ForeignDeed {
  action: 'capture' | 'void' | 'refund'
  amount: bigint
  /** The provider's name for the payment. */
  reference: string
  /** The provider's name for the refund. */
  refund?: string
}

/**
 * Books what has happened at the provider though nobody asked for it here, as when a refund was given in the
 * provider's own pages. The money moved, so the books follow. Gives whether anything was booked: not what is booked
 * already, and nothing while an own deed is under way or where the payment's state allows no such deed.
 */
export async function adoptDeed(deps: Deps, id: string, foreign: ForeignDeed): Promise<boolean> {
  return deps.store.attempt(async () => {
    const found = await deps.store.get(payments, id)
    const { action, amount, reference } = foreign
    if (!found || found.intent || amount <= 0n || !allows(found, action)) return false
    const { version, ...before } = found
    const customer = await deps.store.get(customers, found.customer)
    const at = await timeOf(deps, customer ?? {})
    const refund = foreign.refund === undefined ? undefined : refundOf(before, foreign.refund, amount, at)
    if (refund && (await deps.store.get(refunds, refund.id))) return false
    const wanted = { action, amount, ...(refund && { refund: refund.id }) }
    const asked = { ...intended(before, wanted, { at, now: deps.now() }), version }
    const { writes } = await bookAnswer(deps, asked, { outcome: 'succeeded', reference }, at, refund)
    await deps.store.commit(writes)
    return true
  })
}

/** What a bank contests may be given back at the provider all the same, though not from here. */
function allows(payment: Payment, action: ForeignDeed['action']): boolean {
  const { status } = payment
  const isContested = status === 'disputed' || status === 'charged_back'
  return permits(payment, action) || (action === 'refund' && isContested)
}

function refundOf(
  { id: payment, tenant, currency }: { id: string; tenant: string; currency: string },
  name: string,
  amount: bigint,
  at: Date,
): z.infer<typeof refunds.schema> {
  const id = foreignRefundIdOf(tenant, name)
  const about = { id, tenant, payment, currency, amount, reason: `provider:${name}`, revokeLicense: false }
  return { ...about, status: 'refunding', createdAt: at, auditId: auditIdOf(tenant, id) }
}

/** The id of a refund that was given at the provider, by the provider's name for it. */
export function foreignRefundIdOf(tenant: string, name: string): string {
  return derivedId('refund', hash('sha256', JSON.stringify([tenant, 'provider-refund', name])))
}
