import { explanation, replayExplanation } from '@tallystick/pricing'
import { creditGrants } from '../../services/billing/src/credits/collections.ts'
import { invoices } from '../../services/billing/src/invoices/collections.ts'
import { subscriptions } from '../../services/billing/src/subscriptions/collections.ts'
import type { Marketplace } from './marketplace.ts'
import { allOf, timeOfCustomer } from './steps.ts'

const live = new Set(['active', 'past_due', 'suspended'])

/** What is wrong with how subscriptions stand: past due and suspended are those of which an invoice is, and no others. */
export async function wrongStanding(market: Marketplace): Promise<string[]> {
  const unpaid = (await allOf(market, invoices.byTenant)).filter(
    ({ status }) => status === 'past_due' || status === 'uncollectible',
  )
  const wrong: string[] = []
  for (const { id, status, pastDueSince, suspendedAt, failure } of await allOf(
    market,
    subscriptions.byTenant,
  )) {
    if (failure) wrong.push(`${id} could not be billed: ${failure.message}`)
    if (status === 'canceled') continue
    const own = unpaid.filter(({ subscription }) => subscription === id)
    const pastDue = own.filter((invoice) => invoice.status === 'past_due')
    if (pastDue.length > 0 && !pastDueSince) wrong.push(`${id} is not past due, and its invoice is`)
    if (own.length === 0 && pastDueSince) wrong.push(`${id} is past due, and no invoice of it is`)
    if (pastDue.some(({ dunning }) => dunning?.suspended) && !suspendedAt)
      wrong.push(`${id} is not suspended`)
    const expected = suspendedAt ? 'suspended' : pastDueSince ? 'past_due' : 'active'
    if (live.has(status) && status !== expected) wrong.push(`${id} is ${status}, not ${expected}`)
  }
  return wrong
}

/** Lines whose amount cannot be computed again from what they say of themselves alone. */
export async function unexplainedLines(market: Marketplace): Promise<string[]> {
  return (await allOf(market, invoices.byTenant)).flatMap(({ id, lines }) =>
    lines.flatMap(({ amount, description, explanation: text }) => {
      if (text === undefined) return [`${id}: "${description}" does not explain itself`]
      const replayed = replayExplanation(explanation.parse(JSON.parse(text)))
      return replayed === amount ? [] : [`${id}: "${description}" is ${amount}, and explains ${replayed}`]
    }),
  )
}

/** Credit that should have expired, once all that is due has been done. */
export async function overdueCredit(market: Marketplace): Promise<string[]> {
  const wrong: string[] = []
  for (const { id, customer, status, expiresAt } of await allOf(market, creditGrants.byTenant)) {
    if (status !== 'open' || !expiresAt) continue
    const now = await timeOfCustomer(market, customer)
    if (expiresAt <= now) wrong.push(`grant ${id} is open at ${now.toISOString()}, and has expired`)
  }
  return wrong
}
