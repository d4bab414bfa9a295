import { hash } from 'node:crypto'
import { Fault } from '@tallystick/protocol'
import { collection, insert, replace } from '@tallystick/storage'
import type { Store } from '@tallystick/storage'
import { z } from 'zod'
import type { PaymentProvider, ProviderFinding, ProviderRequest, ProviderResult } from './payment-provider.ts'

/** What the sandbox was asked to do, and how it ended: its own books, apart from ours. */
export const sandboxDeeds = collection('sandbox_deeds', {
  schema: z.strictObject({
    /** The key under which it was asked. */
    id: z.string(),
    action: z.enum(['authorize', 'capture', 'void', 'refund']),
    reference: z.string(),
    amount: z.bigint(),
    currency: z.string(),
    /** `lost` marks a first asking that never arrived. */
    outcome: z.enum(['succeeded', 'requires_action', 'declined', 'lost']),
    code: z.string().optional(),
    hard: z.boolean().optional(),
  }),
  partition: 'id',
})

type Deed = z.infer<typeof sandboxDeeds.schema>

interface Card {
  brand: string
  outcome: Exclude<Deed['outcome'], 'lost'>
  code?: string
  hard?: boolean
  /** The answer is lost, before the deed or after it. */
  lost?: 'before' | 'after'
}

/** The test cards, by number. The first three are those that everybody's documentation names. */
const cards: Readonly<Record<string, Card>> = {
  '4242424242424242': { brand: 'visa', outcome: 'succeeded' },
  '4000000000000002': { brand: 'visa', outcome: 'declined', code: 'card_declined', hard: false },
  '4000002500003155': { brand: 'visa', outcome: 'requires_action' },
  '4000000000009995': { brand: 'visa', outcome: 'declined', code: 'insufficient_funds', hard: false },
  '4000000000009979': { brand: 'visa', outcome: 'declined', code: 'stolen_card', hard: true },
  '4000000000000069': { brand: 'visa', outcome: 'declined', code: 'expired_card', hard: true },
  '4000000000000119': { brand: 'visa', outcome: 'succeeded', lost: 'before' },
  '4000000000000127': { brand: 'visa', outcome: 'succeeded', lost: 'after' },
}

const messages: Readonly<Record<string, string>> = {
  card_declined: 'The card was declined',
  insufficient_funds: 'The card has insufficient funds',
  stolen_card: 'The card is reported stolen',
  expired_card: 'The card has expired',
  authentication_failed: 'The buyer did not authenticate the payment',
}

/** Sandbox card numbers as tokens: `sandbox_` and the 16 digits. They are public test values, never real cards. */
const tokenPattern = /^(?:sandbox_)?(\d{16})$/

/**
 * A payment rail that moves nothing. The number of a test card decides what happens; what happened is kept under its
 * key, so the same request is the same deed, and a lost answer can be looked up.
 */
export function sandboxProvider({ store }: { store: Store }): PaymentProvider {
  const find = async (key: string): Promise<ProviderResult | undefined> => {
    const deed = await store.get(sandboxDeeds, key)
    return deed && deed.outcome !== 'lost' ? resultOf(deed) : undefined
  }

  async function perform(
    request: ProviderRequest,
    action: Deed['action'],
    reference: string,
    card: Card,
  ): Promise<ProviderResult> {
    const before = await find(request.key)
    if (before) return before
    const { amount, currency } = request
    const { outcome, code, hard } = card
    const ending = { outcome, ...(code !== undefined && { code }), ...(hard !== undefined && { hard }) }
    const deed = { id: request.key, action, reference, amount, currency, ...ending }
    if (card.lost === 'before' && !(await store.get(sandboxDeeds, `${request.key}:lost`))) {
      await store
        .commit([insert(sandboxDeeds, { ...deed, id: `${request.key}:lost`, outcome: 'lost' })])
        .catch(ignoreTwin)
      return { outcome: 'unknown', message: 'The connection broke' }
    }
    await store.commit([insert(sandboxDeeds, deed)]).catch(ignoreTwin)
    if (card.lost === 'after') return { outcome: 'unknown', message: 'The answer was lost' }
    return (await find(request.key)) ?? resultOf(deed)
  }

  const later: Card = { brand: 'visa', outcome: 'succeeded' }
  return {
    name: 'sandbox',
    async attachMethod({ token }) {
      const { number, card } = cardOf(token)
      return { token: `sandbox_${number}`, brand: card.brand, last4: number.slice(-4) }
    },
    authorize: (request) =>
      perform(request, 'authorize', referenceOf(request.key), cardOf(request.method).card),
    capture: (request) => perform(request, 'capture', request.reference, later),
    void: (request) => perform(request, 'void', request.reference, later),
    refund: (request) => perform(request, 'refund', request.reference, later),
    async lookUp(key): Promise<ProviderFinding> {
      const result = await find(key)
      return result && result.outcome !== 'unknown' ? { found: true, result } : { found: false }
    },
  }
}

/** What the buyer's bank does in the sandbox: lets a payment pass that asked for authentication, or not. */
export async function authenticateInSandbox(
  { store }: { store: Store },
  key: string,
  passes: boolean,
): Promise<void> {
  await store.attempt(async () => {
    const found = await store.get(sandboxDeeds, key)
    if (found?.outcome !== 'requires_action') return
    const { version, ...deed } = found
    const ending = passes
      ? { outcome: 'succeeded' as const }
      : { outcome: 'declined' as const, code: 'authentication_failed', hard: false }
    await store.commit([replace(sandboxDeeds, { ...deed, ...ending }, version)])
  })
}

function cardOf(token: string): { number: string; card: Card } {
  const number = tokenPattern.exec(token.replaceAll(' ', ''))?.[1] ?? ''
  const card = Object.hasOwn(cards, number) ? cards[number] : undefined
  if (!card) {
    const fix = 'Use a test card such as 4242 4242 4242 4242; docs/billing.md lists them.'
    throw new Fault('validation_failed', {
      errors: [{ pointer: '/payment_method', message: 'is no test card of the sandbox', fix }],
    })
  }
  return { number, card }
}

function resultOf({ outcome, reference, code = '', hard = false }: Deed): ProviderResult {
  if (outcome === 'lost') return { outcome: 'unknown', message: 'The request never arrived' }
  if (outcome === 'succeeded') return { outcome, reference }
  if (outcome === 'requires_action') {
    return { outcome, reference, actionUrl: `https://sandbox.invalid/authenticate/${reference}` }
  }
  return { outcome, reference, code, hard, message: messages[code] ?? 'The payment was declined' }
}

function referenceOf(key: string): string {
  return `sb_${hash('sha256', key).slice(0, 24)}`
}

function ignoreTwin(error: unknown): void {
  if (!(error instanceof Error && 'code' in error && error.code === 'DuplicateKey')) throw error
}
