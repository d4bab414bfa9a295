import type { Stored } from '@tallystick/storage'
import { customers } from '../customers/collections.ts'
import { timeOf } from '../clocks/time-of.ts'
import type { Deps } from '../deps.ts'
import { bookAnswer } from './book-payment.ts'
import { payments } from './collections.ts'
import type { Intent, Payment, Settled } from './payment-machine.ts'
import type { ProviderResult } from './payment-provider.ts'

/**
 * Carries out the intent of a stored payment and books what became of it. With `askedBefore` (after a crash, or by the
 * job that resolves) the provider is first asked what it knows. An outcome that stays unknown leaves the payment as it
 * is, to be looked up again. Gives the payment as it stands.
 */
export async function carryOut(
  deps: Deps,
  payment: Stored<Payment>,
  { askedBefore }: { askedBefore: boolean },
): Promise<Payment> {
  const { intent } = payment
  if (!intent) return payment
  const known = askedBefore ? await lookUp(deps, intent) : undefined
  const answer = known ?? (await settle(deps, intent, await ask(deps, payment, intent)))
  if (!answer) return payment
  return deps.store.attempt(async () => {
    const stored = await deps.store.get(payments, payment.id)
    if (!stored) throw new Error(`The payment ${payment.id} is not there`)
    // Somebody else has booked the answer meanwhile.
    if (stored.intent?.key !== intent.key) return stored
    if (stored.status === 'requires_action' && answer.outcome === 'requires_action') return stored
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

function ask(deps: Deps, payment: Payment, { action, key, amount }: Intent): Promise<ProviderResult> {
  const { currency, customer, method, providerReference: reference = '' } = payment
  const request = { key, amount, currency }
  if (action === 'authorize') return deps.provider.authorize({ ...request, method, customer })
  return deps.provider[action]({ ...request, reference })
}

/** An unknown outcome is not a failure: what the provider knows decides, and if it knows nothing it stays unknown. */
async function settle(deps: Deps, intent: Intent, result: ProviderResult): Promise<Settled | undefined> {
  if (result.outcome !== 'unknown') return result
  deps.log.warn({ key: intent.key, message: result.message }, 'the provider did not answer; looking it up')
  return lookUp(deps, intent)
}

async function lookUp(deps: Deps, { key }: Intent): Promise<Settled | undefined> {
  const finding = await deps.provider.lookUp(key)
  return finding.found ? finding.result : undefined
}
