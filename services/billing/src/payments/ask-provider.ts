import { replace } from '@tallystick/storage'
import type { Stored } from '@tallystick/storage'
import { timeOf } from '../clocks/time-of.ts'
import { customers } from '../customers/collections.ts'
import type { Deps } from '../deps.ts'
import { bookAnswer } from './book-payment.ts'
import { payments } from './collections.ts'
import { lookAgainAt } from './payment-machine.ts'
import type { Intent, Payment } from './payment-machine.ts'
import type { ProviderDeed, ProviderFinding, ProviderResult, Settled } from './payment-provider.ts'

/**
 * Carries out the intent of a stored payment and books what became of it. With `askedBefore` (after a crash, or by the
 * job that resolves) the provider is first asked what it knows; only when it knows of nothing is it asked again. An
 * outcome that stays unknown leaves the payment as it is, to be looked up again. Gives the payment as it stands.
 */
export async function carryOut(
  deps: Deps,
  payment: Stored<Payment>,
  { askedBefore }: { askedBefore: boolean },
): Promise<Payment> {
  const { intent } = payment
  if (!intent) return payment
  // A payment of another rail is none of this one's business: asking here could take the money twice.
  if (payment.provider !== deps.provider.name) {
    deps.log.warn({ payment: payment.id }, `the payment belongs to ${payment.provider}, which is not in use`)
    return payment
  }
  const answer = await settle(deps, deedOf(payment, intent), askedBefore)
  if (!answer) return lookAgain(deps, payment, intent)
  return deps.store.attempt(async () => {
    const stored = await deps.store.get(payments, payment.id)
    if (!stored) throw new Error(`The payment ${payment.id} is not there`)
    // Somebody else has booked the answer meanwhile.
    if (stored.intent?.key !== intent.key) return stored
    if (stored.status === 'requires_action' && answer.outcome === 'requires_action')
      return lookAgain(deps, stored, stored.intent)
    const customer = await deps.store.get(customers, stored.customer)
    const at = await timeOf(deps, customer ?? {})
    const { writes, payment: booked } = await bookAnswer(
      deps,
      { ...stored, intent: stored.intent },
      answer,
      at,
    )
    await deps.store.commit(writes)
    return booked
  })
}

/** The deed that an intent asks of the provider; the same words each time. */
export function deedOf(payment: Payment, { action, key, amount, since }: Intent): ProviderDeed {
  const { id, tenant, currency, customer, method, providerReference: reference } = payment
  return { action, key, amount, currency, tenant, payment: id, customer, method, reference, since }
}

/** An unknown outcome is not a failure: what the provider knows decides, and if it knows nothing it stays unknown. */
async function settle(deps: Deps, deed: ProviderDeed, askedBefore: boolean): Promise<Settled | undefined> {
  if (askedBefore) {
    const finding = await lookUp(deps, deed)
    if (finding.known === 'deed') return finding.result
    if (finding.known === 'unsure') return undefined
  }
  const result: ProviderResult = await deps.provider.perform(deed)
  if (result.outcome !== 'unknown') return result
  deps.log.warn({ key: deed.key, message: result.message }, 'the provider did not answer; looking it up')
  const finding = await lookUp(deps, deed)
  return finding.known === 'deed' ? finding.result : undefined
}

async function lookUp(deps: Deps, deed: ProviderDeed): Promise<ProviderFinding> {
  const finding = await deps.provider.lookUp(deed)
  if (finding.known === 'unsure')
    deps.log.warn({ key: deed.key, message: finding.message }, 'the provider cannot tell what happened')
  return finding
}

/** Puts off the next look at a payment, longer each time, so that those without an answer hold up no others. */
export async function lookAgain(deps: Deps, { id }: Payment, { key }: Intent): Promise<Payment> {
  return deps.store.attempt(async () => {
    const stored = await deps.store.get(payments, id)
    if (!stored) throw new Error(`The payment ${id} is not there`)
    if (stored.intent?.key !== key) return stored
    const { version, ...before } = stored
    const intent = { ...stored.intent, looks: stored.intent.looks + 1 }
    const payment = { ...before, intent, lookAt: lookAgainAt(deps.now(), intent.looks) }
    await deps.store.commit([replace(payments, payment, version)])
    return payment
  })
}
