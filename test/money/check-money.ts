import { creditGrants } from '../../services/billing/src/credits/collections.ts'
import { creditNotes, invoiceCounters, invoices } from '../../services/billing/src/invoices/collections.ts'
import { checkLedger } from '../../services/billing/src/ledger/check-ledger.ts'
import { journals, ledgerAccounts } from '../../services/billing/src/ledger/collections.ts'
import type { LedgerCode } from '../../services/billing/src/ledger/collections.ts'
import { journalIdOf } from '../../services/billing/src/ledger/post-journal.ts'
import { payments, refunds } from '../../services/billing/src/payments/collections.ts'
import { sandboxHolds } from '../../services/billing/src/payments/sandbox-provider.ts'
import type { Marketplace } from './marketplace.ts'
import { allOf } from './steps.ts'

/** All that the marketplace keeps of money, read at one moment at which nothing is under way. */
export async function readMoney(market: Marketplace) {
  const [store] = market.stores
  const paid = await allOf(market, payments.byTenant)
  return {
    accounts: await allOf(market, ledgerAccounts.byTenant),
    invoices: await allOf(market, invoices.byTenant),
    notes: await allOf(market, creditNotes.byTenant),
    grants: await allOf(market, creditGrants.byTenant),
    counters: await allOf(market, invoiceCounters.byTenant),
    payments: paid,
    refunds: await allOf(market, refunds.byPayment),
    holds: await store.getMany(
      sandboxHolds,
      paid.map(({ providerReference }) => providerReference ?? 'none'),
    ),
  }
}
type Money = Awaited<ReturnType<typeof readMoney>>

/** What is wrong with the marketplace's money, in words. Every figure is derived anew from what happened. */
export async function wrongWithMoney(market: Marketplace): Promise<string[]> {
  const money = await readMoney(market)
  const { unbalanced, differences } = await checkLedger({ store: market.stores[0] }, market.tenant)
  return [
    ...unbalanced.map((id) => `journal ${id} does not balance`),
    ...differences.map(({ account, kept, derived }) => `balance ${account} is ${kept}, not ${derived}`),
    ...wrongBalances(money),
    ...wrongNumbers(money),
    ...wrongPayments(money),
    ...wrongGrants(market, money),
    ...(await wrongInvoices(market, money)),
  ]
}

type Balances = Map<string, bigint>

/** Every balance of the ledger as it must be, told from documents and the provider's own books alone. */
function wrongBalances(money: Money): string[] {
  const expected: Balances = new Map()
  const add = (code: LedgerCode, currency: string, amount: bigint, party = '') => {
    const name = `${code} ${currency} ${party}`
    expected.set(name, (expected.get(name) ?? 0n) + amount)
  }
  addInvoices(money, add)
  addPayments(money, add)
  addCredits(money, add)
  const sums: Balances = new Map()
  for (const { code, currency, party = '', balance } of money.accounts) {
    sums.set(currency, (sums.get(currency) ?? 0n) + balance)
    // Whose revenue, or which promotion, is no matter of conservation.
    add(code, currency, -balance, code === 'fees' ? '' : party)
  }
  return [
    ...[...sums].flatMap(([currency, sum]) =>
      sum === 0n ? [] : [`the trial balance in ${currency} is ${sum}`],
    ),
    ...[...expected].flatMap(([name, off]) => (off === 0n ? [] : [`${name} is off by ${-off}`])),
  ]
}

type Add = (code: LedgerCode, currency: string, amount: bigint, party?: string) => void

function addInvoices({ invoices: all, notes }: Money, add: Add): void {
  for (const invoice of all) {
    const { status, currency, customer, total, taxTotal, amountDue, amountPaid, creditsApplied } = invoice
    if (status === 'draft') continue
    if (status !== 'void') {
      add('revenue', currency, taxTotal - total)
      add('tax_payable', currency, -taxTotal)
      // What credit paid was taken from the grants; what remains of them is counted with them.
      add('credit_breakage', currency, creditsApplied)
    }
    if (status === 'open' || status === 'past_due')
      add('receivable', currency, amountDue - amountPaid, customer)
    if (status === 'uncollectible') add('bad_debt', currency, amountDue - amountPaid)
  }
  for (const { currency, total, taxAmount } of notes) {
    add('revenue', currency, total - taxAmount)
    add('tax_payable', currency, taxAmount)
  }
}

function addPayments({ payments: all }: Money, add: Add): void {
  for (const { currency, captured, refunded, invoice, customer } of all) {
    add('processor_clearing', currency, captured - refunded)
    if (invoice === undefined) add('deferred_revenue', currency, refunded - captured, customer)
    else add('refunds', currency, refunded)
  }
}

function addCredits({ grants, invoices: all }: Money, add: Add): void {
  for (const { name, currency, customer, amount, remaining } of grants) {
    add('customer_credit', currency, -remaining, customer)
    if (name === 'paid') add('cash', currency, amount)
    if (name === 'gift') add('fees', currency, amount)
    // Breakage is what was granted, and neither remains nor was drawn.
    add('credit_breakage', currency, remaining - amount)
  }
  // Void invoices gave back what they had drawn as grants of their own.
  for (const { status, currency, creditsApplied } of all) {
    if (status === 'void') add('credit_breakage', currency, creditsApplied)
  }
}

function wrongNumbers({ invoices: all, notes, counters }: Money): string[] {
  const numbers = [...all.flatMap(({ number }) => number ?? []), ...notes.map(({ number }) => number)]
  const wrong: string[] = []
  const rows = Map.groupBy(numbers, (number) => number.slice(0, -6))
  for (const [prefix, ofRow] of rows) {
    const expected = ofRow.map((_, place) => prefix + String(place + 1).padStart(6, '0'))
    if (ofRow.toSorted().join() !== expected.join())
      wrong.push(`numbers have gaps: ${ofRow.toSorted().join()}`)
  }
  const given = counters.reduce((sum, { last }) => sum + last, 0)
  if (given !== numbers.length) wrong.push(`${given} numbers were taken, ${numbers.length} given`)
  return wrong
}

/** Holds and captures, ours and the provider's. Where an intent is open the provider may be ahead of us, by it. */
function wrongPayments(money: Money): string[] {
  const wrong: string[] = []
  for (const [place, payment] of money.payments.entries()) {
    const { id, amount, captured, refunded, intent, invoice, currency } = payment
    if (captured < 0n || captured > amount) wrong.push(`${id}: ${captured} captured of ${amount}`)
    if (refunded < 0n || refunded > captured) wrong.push(`${id}: ${refunded} refunded of ${captured}`)
    const given = money.refunds.filter((one) => one.payment === id && one.status === 'succeeded')
    const back = given.reduce((sum, one) => sum + one.amount, 0n)
    if (back !== refunded) wrong.push(`${id}: refunds come to ${back}, not ${refunded}`)
    const hold = money.holds[place]
    const [theirs, returned] = [hold?.captured ?? 0n, hold?.refunded ?? 0n]
    const isOpen = intent !== undefined
    if (isOpen ? theirs < captured : theirs !== captured) wrong.push(`${id}: the provider took ${theirs}`)
    if (isOpen ? returned < refunded : returned !== refunded)
      wrong.push(`${id}: the provider gave ${returned} back`)
    const paid = money.invoices.find((one) => one.id === invoice)
    if (paid && paid.currency !== currency) wrong.push(`${id}: pays ${currency} for ${paid.currency}`)
  }
  return wrong
}

function wrongGrants({ model }: Marketplace, { grants }: Money): string[] {
  const wrong = grants.flatMap(({ id, amount, remaining, status }) => {
    if (remaining < 0n || remaining > amount) return [`grant ${id} has ${remaining} left of ${amount}`]
    return status !== 'open' && remaining !== 0n ? [`grant ${id} is ${status} and has ${remaining} left`] : []
  })
  for (const [id, { amount }] of model.grants)
    if (grants.find((grant) => grant.id === id)?.amount !== amount) wrong.push(`grant ${id} was lost`)
  return wrong
}

async function wrongInvoices(market: Marketplace, money: Money): Promise<string[]> {
  const wrong: string[] = []
  for (const invoice of money.invoices) {
    const { id, lines, subtotal, taxes, taxTotal, total, amountDue, amountPaid, creditsApplied } = invoice
    const sum = lines.reduce((all, { amount }) => all + amount, 0n)
    const added = taxes.reduce((all, tax) => (tax.inclusive ? all : all + tax.amount), 0n)
    const told = taxes.reduce((all, { amount }) => all + amount, 0n)
    if (sum !== subtotal || subtotal + added !== total || told !== taxTotal)
      wrong.push(`${id} does not add up`)
    if (new Set(lines.map((line) => line.id)).size < lines.length) wrong.push(`${id} has two lines of one id`)
    if (invoice.status === 'draft') continue
    const notes = money.notes.filter((note) => note.invoice === id)
    const credited = notes.reduce((all, note) => all + note.total, 0n)
    if (credited !== invoice.amountCredited) wrong.push(`${id}: notes come to ${credited}`)
    if (amountPaid > amountDue || amountPaid < 0n) wrong.push(`${id}: ${amountPaid} paid of ${amountDue}`)
    const atFirst = total > creditsApplied ? total - creditsApplied : 0n
    if (amountDue > atFirst || amountDue < atFirst - credited)
      wrong.push(`${id}: ${amountDue} due of ${atFirst}`)
    const taken = money.payments.filter((payment) => payment.invoice === id)
    if (taken.reduce((all, payment) => all + payment.captured, 0n) < amountPaid)
      wrong.push(`${id}: paid by nobody`)
    if (taken.reduce((all, payment) => all + payment.refunded, 0n) !== invoice.amountRefunded)
      wrong.push(`${id}: ${invoice.amountRefunded} refunded`)
    wrong.push(...(await wrongJournal(market, invoice)))
  }
  return wrong
}

async function wrongJournal(
  { stores: [store], tenant }: Marketplace,
  { id, total, taxTotal, creditsApplied }: Money['invoices'][number],
): Promise<string[]> {
  const journal = await store.get(journals, journalIdOf(tenant, { kind: 'invoice.finalized', id }))
  const booked = (code: LedgerCode) =>
    (journal?.postings ?? []).reduce(
      (sum, posting) => (posting.code === code ? sum + posting.amount : sum),
      0n,
    )
  const due = total > creditsApplied ? total - creditsApplied : 0n
  const isRight =
    booked('revenue') === taxTotal - total &&
    booked('tax_payable') === -taxTotal &&
    booked('receivable') === due &&
    booked('customer_credit') === creditsApplied + (total < 0n ? total : 0n)
  return isRight ? [] : [`the journal of ${id} says something else than the invoice`]
}
