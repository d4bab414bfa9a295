import { toWire } from '@tallystick/money'
import type { z } from 'zod'
import type { Deps } from '../deps.ts'
import type { Payment } from './payment-machine.ts'
import type { paymentView } from './payment-schemas.ts'

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
