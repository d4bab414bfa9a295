import { creditGrants } from '../credits/collections.ts'
import type { Deps } from '../deps.ts'
import { checkLedger } from '../ledger/check-ledger.ts'
import { journals, ledgerAccounts } from '../ledger/collections.ts'
import { journalIdOf } from '../ledger/post-journal.ts'
import { creditNotes, invoices } from './collections.ts'
import type { StoredInvoice } from './find-invoice.ts'
import { stillOwed } from './settle-invoice.ts'

/**
 * What is wrong in a tenant's books, in words; nothing when they are right. Each invoice is the sum of its lines and
 * its taxes and what its journal says, customers owe what their open invoices come to, credit is what the grants have
 * left, numbers have no gaps. Reads everything: for jobs and tests.
 */
export async function checkBooks({ store }: Pick<Deps, 'store'>, tenant: string): Promise<string[]> {
  const found: string[] = []
  const { unbalanced, differences } = await checkLedger({ store }, tenant)
  found.push(...unbalanced.map((id) => `journal ${id} does not balance`))
  found.push(...differences.map(({ account }) => `balance ${account} is not the sum of its postings`))
  const owed = new Map<string, bigint>()
  const numbers: string[] = []
  for await (const invoice of store.scan(invoices.byTenant, { equals: [tenant] })) {
    const { id, customer, status, number } = invoice
    if (number !== undefined) numbers.push(number)
    const open = status === 'uncollectible' ? 0n : stillOwed(invoice)
    owed.set(customer, (owed.get(customer) ?? 0n) + open)
    found.push(...wrongIn(invoice).map((what) => `invoice ${id}: ${what}`))
    if (number === undefined) continue
    found.push(...(await wrongNotes({ store }, invoice)).map((what) => `invoice ${id}: ${what}`))
    const journal = await store.get(journals, journalIdOf(tenant, { kind: 'invoice.finalized', id }))
    const booked = (journal?.postings ?? []).reduce(
      (sum, { code, amount }) => (code === 'revenue' || code === 'tax_payable' ? sum - amount : sum),
      0n,
    )
    if (booked !== invoice.total)
      found.push(`invoice ${id}: its journal says ${booked}, not ${invoice.total}`)
  }
  const credit = new Map<string, bigint>()
  for await (const { customer, remaining, id } of store.scan(creditGrants.byTenant, { equals: [tenant] })) {
    if (remaining < 0n) found.push(`grant ${id} is overdrawn`)
    credit.set(customer, (credit.get(customer) ?? 0n) + remaining)
  }
  for await (const account of store.scan(ledgerAccounts.byTenant, { equals: [tenant] })) {
    const { code, party = '', balance } = account
    const kept = code === 'receivable' ? owed : code === 'customer_credit' ? credit : undefined
    const expected = kept && (code === 'receivable' ? 1n : -1n) * (kept.get(party) ?? 0n)
    if (expected !== undefined && expected !== balance) {
      found.push(`${code} of ${party} is ${balance}, not ${expected}`)
    }
  }
  return [...found, ...gapsIn(numbers)]
}

function wrongIn(invoice: StoredInvoice): string[] {
  const { lines, subtotal, taxes, total, creditsApplied, amountDue, amountPaid, amountCredited } = invoice
  const wrong: string[] = []
  if (lines.reduce((sum, { amount }) => sum + amount, 0n) !== subtotal)
    wrong.push('lines are not the subtotal')
  const added = taxes.reduce((sum, { inclusive, amount }) => (inclusive ? sum : sum + amount), 0n)
  if (subtotal + added !== total) wrong.push('subtotal and taxes are not the total')
  if (taxes.some((tax) => !isSumOfLines(tax))) wrong.push('a tax is not the sum of its lines')
  if (amountDue < 0n || amountPaid > amountDue) wrong.push('more was paid than was due')
  if (creditsApplied < 0n || (total >= 0n && creditsApplied > total))
    wrong.push('more credit was drawn than was due')
  if (amountCredited > 0n && amountCredited > total) wrong.push('more was credited than it came to')
  return wrong
}

function isSumOfLines({ base, amount, lines }: StoredInvoice['taxes'][number]): boolean {
  const [bases, amounts] = lines.reduce(([b, a], part) => [b + part.base, a + part.amount], [0n, 0n])
  return base === bases && amount === amounts
}

/** Whether the notes of an invoice that is credited as a whole give back each of its taxes, and no note another sum. */
async function wrongNotes({ store }: Pick<Deps, 'store'>, invoice: StoredInvoice): Promise<string[]> {
  const { tenant, id, total, taxes } = invoice
  const back = taxes.map(() => 0n)
  let credited = 0n
  for await (const note of store.scan(creditNotes.byInvoice, { equals: [tenant, id] })) {
    const told = note.taxes.reduce((sum, { amount }) => sum + amount, 0n)
    if (told !== note.taxAmount || note.amount + told !== note.total)
      return [`note ${note.id} does not add up`]
    for (const [place, { amount }] of note.taxes.entries()) back[place] = (back[place] ?? 0n) + amount
    credited += note.total
  }
  const isWhole = credited > 0n && credited === total
  return isWhole && taxes.some(({ amount }, place) => amount !== back[place])
    ? ['its notes do not give its taxes back']
    : []
}

function gapsIn(numbers: readonly string[]): string[] {
  const byYear = Map.groupBy(numbers, (number) => number.slice(0, 4))
  return [...byYear].flatMap(([year, ofYear]) => {
    const expected = ofYear.map((_, place) => `${year}-${String(place + 1).padStart(6, '0')}`)
    return ofYear.toSorted().join() === expected.join() ? [] : [`the numbers of ${year} have gaps`]
  })
}
