import { toWire } from '@tallystick/money'
import type { z } from 'zod'
import type { Deps } from '../deps.ts'
import type { Dispute } from './collections.ts'
import type { Payment } from './payment-machine.ts'
import type { disputeView, paymentView } from './payment-schemas.ts'

/** A payment as the API tells it. */
export function viewPayment(
  { livemode }: Pick<Deps, 'livemode'>,
  payment: Payment,
): z.infer<typeof paymentView> {
  const { id, status, customer, invoice, license, currency, provider, providerReference, failure } = payment
  const wire = (amount: bigint) => toWire({ amount, currency })
  return {
    object: 'payment',
    id,
    livemode,
    status,
    customer,
    ...(invoice !== undefined && { invoice }),
    ...(license !== undefined && { license }),
    amount: wire(payment.amount),
    captured: wire(payment.captured),
    refunded: wire(payment.refunded),
    ...(payment.disputed && { disputed: wire(payment.disputed) }),
    ...(payment.chargedBack && { charged_back: wire(payment.chargedBack) }),
    provider,
    ...(providerReference !== undefined && { provider_reference: providerReference }),
    ...(payment.actionUrl !== undefined && { action_url: payment.actionUrl }),
    ...(failure && { failure }),
    ...(payment.expiresAt && { expires_at: payment.expiresAt.toISOString() }),
    metadata: payment.metadata,
    created_at: payment.createdAt.toISOString(),
    updated_at: payment.updatedAt.toISOString(),
    audit_id: payment.auditId,
  }
}

/** A dispute as the API tells it. */
export function viewDispute(
  { livemode }: Pick<Deps, 'livemode'>,
  dispute: Dispute,
): z.infer<typeof disputeView> {
  const { id, payment, provider, status, reason, currency } = dispute
  const wire = (amount: bigint) => toWire({ amount, currency })
  return {
    object: 'dispute',
    id,
    livemode,
    payment,
    provider,
    provider_reference: dispute.providerReference,
    status,
    reason,
    amount: wire(dispute.amount),
    withdrawn: wire(dispute.withdrawn),
    reinstated: wire(dispute.reinstated),
    created_at: dispute.createdAt.toISOString(),
    updated_at: dispute.updatedAt.toISOString(),
    audit_id: dispute.auditId,
  }
}
