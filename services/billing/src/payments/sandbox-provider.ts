import { hash } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import { collection, DuplicateKey, insert, replace } from '@tallystick/storage'
import type { Store, Write } from '@tallystick/storage'
import { z } from 'zod'
import type { PaymentProvider, ProviderDeed, ProviderResult, Settled } from './payment-provider.ts'
import { sandboxCard } from './sandbox-cards.ts'

/** What the sandbox was asked to do, and how it ended: its own books, apart from ours. */
export const sandboxDeeds = collection('sandbox_deeds', {
  schema: z.strictObject({
    /** The key under which it was asked; with `:lost`, of a request that never arrived. */
    id: z.string(),
    action: z.enum(['authorize', 'capture', 'void', 'refund']),
    reference: z.string(),
    amount: z.bigint(),
    currency: z.string(),
    outcome: z.enum(['succeeded', 'requires_action', 'declined', 'superseded', 'lost']),
    code: z.string().optional(),
    hard: z.boolean().optional(),
    by: z.enum(['capture', 'void']).optional(),
  }),
  partition: 'id',
})

/** What the sandbox holds of a buyer's money, by its reference. */
export const sandboxHolds = collection('sandbox_holds', {
  schema: z.strictObject({
    id: z.string(),
    state: z.enum(['waiting', 'held', 'captured', 'voided', 'failed']),
    amount: z.bigint(),
    captured: z.bigint(),
    refunded: z.bigint(),
    currency: z.string(),
  }),
  partition: 'id',
})

type Deed = z.infer<typeof sandboxDeeds.schema>
type Hold = z.infer<typeof sandboxHolds.schema>

const messages: Readonly<Record<string, string>> = {
  card_declined: 'The card was declined',
  insufficient_funds: 'The card has insufficient funds',
  stolen_card: 'The card is reported stolen',
  expired_card: 'The card has expired',
  authentication_failed: 'The buyer did not authenticate the payment',
}

/**
 * A payment rail that moves nothing. The number of a test card decides what happens; what happened is kept under its
 * key, so the same request is the same deed, and a lost answer can be looked up. A hold is captured or let go once.
 */
export function sandboxProvider({ store }: { store: Store }): PaymentProvider {
  const find = async (key: string): Promise<Settled | undefined> => {
    const deed = await store.get(sandboxDeeds, key)
    return deed && resultOf(deed)
  }

  async function perform(asked: ProviderDeed): Promise<ProviderResult> {
    const { action, key } = asked
    const { lost, delayMs } = sandboxCard(asked.method)
    if (delayMs !== undefined) await setTimeout(delayMs)
    const before = await find(key)
    if (before) return before
    const loses = lost && (lost.of === 'all' || lost.of === action) ? lost.what : undefined
    if (loses === 'request' && (await isFirst(store, asked)))
      return { outcome: 'unknown', message: 'The connection broke' }
    await carry(store, asked)
    if (loses === 'answer') return { outcome: 'unknown', message: 'The answer was lost' }
    return (await find(key)) ?? { outcome: 'unknown', message: 'The deed is not there' }
  }

  return {
    name: 'sandbox',
    async attachMethod({ token }) {
      const { number, brand } = sandboxCard(token)
      return { token: `sandbox_${number}`, brand, last4: number.slice(-4) }
    },
    perform,
    async lookUp({ key }) {
      const result = await find(key)
      return result ? { known: 'deed', result } : { known: 'nothing' }
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
    const held = found && (await store.get(sandboxHolds, found.reference))
    if (found?.outcome !== 'requires_action' || held?.state !== 'waiting') return
    const { version, ...deed } = found
    const { version: heldVersion, ...hold } = held
    const ending = passes
      ? { outcome: 'succeeded' as const }
      : { outcome: 'declined' as const, code: 'authentication_failed', hard: false }
    await store.commit([
      replace(sandboxDeeds, { ...deed, ...ending }, version),
      replace(sandboxHolds, { ...hold, state: passes ? 'held' : 'failed' }, heldVersion),
    ])
  })
}

/** Books a deed unless its twin was quicker. */
async function carry(store: Store, asked: ProviderDeed): Promise<void> {
  try {
    await store.attempt(async () => store.commit(await writesOf(store, asked)))
  } catch (error) {
    if (!(error instanceof DuplicateKey)) throw error
  }
}

async function writesOf(store: Store, asked: ProviderDeed): Promise<Write[]> {
  const { key: id, action, amount, currency } = asked
  if (action === 'authorize') {
    const reference = `sb_${hash('sha256', id).slice(0, 24)}`
    const { outcome, code, hard } = sandboxCard(asked.method)
    const ending = { outcome, ...(code !== undefined && { code }), ...(hard !== undefined && { hard }) }
    const state = outcome === 'succeeded' ? 'held' : outcome === 'declined' ? 'failed' : 'waiting'
    const hold: Hold = { id: reference, state, amount, captured: 0n, refunded: 0n, currency }
    return [
      insert(sandboxDeeds, { id, action, reference, amount, currency, ...ending }),
      insert(sandboxHolds, hold),
    ]
  }
  const { reference = '' } = asked
  const found = await store.get(sandboxHolds, reference)
  if (!found) throw new Error(`The sandbox holds nothing as ${reference}`)
  const { version, ...hold } = found
  const deed = { id, action, reference, amount, currency }
  const after = afterDeed(hold, action, amount)
  if (after) {
    return [insert(sandboxDeeds, { ...deed, outcome: 'succeeded' }), replace(sandboxHolds, after, version)]
  }
  return [insert(sandboxDeeds, { ...deed, ...refusalOf(hold, action) })]
}

/** The hold after a capture, void or refund, or undefined where it allows none. */
function afterDeed(hold: Hold, action: Deed['action'], amount: bigint): Hold | undefined {
  const { state, captured, refunded } = hold
  if (action === 'capture')
    return state === 'held' && amount <= hold.amount
      ? { ...hold, state: 'captured', captured: amount }
      : undefined
  if (action === 'void')
    return state === 'held' || state === 'waiting' ? { ...hold, state: 'voided' } : undefined
  return state === 'captured' && refunded + amount <= captured
    ? { ...hold, refunded: refunded + amount }
    : undefined
}

function refusalOf({ state, captured }: Hold, action: Deed['action']): Pick<Deed, 'outcome'> & Partial<Deed> {
  if (action === 'refund') return { outcome: 'declined', code: 'not_captured', hard: true }
  if (state === 'captured') return { outcome: 'superseded', by: 'capture', amount: captured }
  if (state === 'voided') return { outcome: 'superseded', by: 'void' }
  return { outcome: 'declined', code: 'not_held', hard: true }
}

/** Whether this is the first request for a deed: that one is lost. */
async function isFirst(store: Store, { key, action, amount, currency, reference = '' }: ProviderDeed) {
  const id = `${key}:lost`
  if (await store.get(sandboxDeeds, id)) return false
  try {
    await store.commit([insert(sandboxDeeds, { id, action, reference, amount, currency, outcome: 'lost' })])
    return true
  } catch (error) {
    if (error instanceof DuplicateKey) return false
    throw error
  }
}

function resultOf({ outcome, reference, amount, by, code = '', hard = false }: Deed): Settled | undefined {
  if (outcome === 'lost') return undefined
  if (outcome === 'succeeded') return { outcome, reference }
  if (outcome === 'superseded') return { outcome, reference, by: by ?? 'void', amount }
  if (outcome === 'requires_action') {
    return { outcome, reference, actionUrl: `https://sandbox.invalid/authenticate/${reference}` }
  }
  return { outcome, reference, code, hard, message: messages[code] ?? 'The payment was declined' }
}
