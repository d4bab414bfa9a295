import { toWire } from '@tallystick/money'
import { Fault } from '@tallystick/protocol'
import type { Stored } from '@tallystick/storage'
import type { z } from 'zod'
import type { Deps } from '../deps.ts'
import { balanceCheckpoints, journals, ledgerAccounts } from './collections.ts'
import type { LedgerCode } from './collections.ts'
import type { journalView, ledgerAccountView, trialBalanceView } from './ledger-schemas.ts'
import type { Journal } from './post-journal.ts'

type Account = z.infer<typeof ledgerAccounts.schema>
type Reading = Pick<Deps, 'store' | 'livemode' | 'now'>

/** An account of the ledger, with its balance now or as it was at a moment. Throws Fault `not_found`. */
export async function readAccount(
  deps: Reading,
  tenant: string,
  { id, at }: { id: string; at?: Date | undefined },
): Promise<z.infer<typeof ledgerAccountView>> {
  const account = await deps.store.get(ledgerAccounts, id)
  if (!account || account.tenant !== tenant) throw new Fault('not_found')
  if (at === undefined) return viewAccount(deps, account)
  return viewAccount(deps, { ...account, ...(await balanceAt(deps, account, at)) })
}

/** The balance of an account from all postings before `at`: the last checkpoint before it, and the postings since. */
export async function balanceAt(
  { store }: Pick<Deps, 'store'>,
  { tenant, id }: Pick<Account, 'tenant' | 'id'>,
  at: Date,
): Promise<{ balance: bigint; postings: number }> {
  const { items } = await store.find(balanceCheckpoints.byAccount, {
    equals: [tenant, id],
    range: { upTo: at },
    order: 'desc',
    limit: 1,
  })
  const [checkpoint] = items
  let { balance, postings } = checkpoint ?? { balance: 0n, postings: 0 }
  const range = { ...(checkpoint && { from: checkpoint.at }), before: at }
  for await (const journal of store.scan(journals.byAccount, { equals: [tenant, id], range })) {
    for (const posting of journal.postings) {
      if (posting.account !== id) continue
      balance += posting.amount
      postings++
    }
  }
  return { balance, postings }
}

/** The journal of the tenant, or Fault `not_found`. */
export async function findJournal({ store }: Reading, tenant: string, id: string): Promise<Stored<Journal>> {
  const journal = await store.get(journals, id)
  if (!journal || journal.tenant !== tenant) throw new Fault('not_found')
  return journal
}

/** What every code of the ledger comes to, for each currency: debits and credits must be equal. */
export async function trialBalance(deps: Reading, tenant: string): Promise<z.infer<typeof trialBalanceView>> {
  const byCurrency = new Map<string, Map<LedgerCode, { debit: bigint; credit: bigint }>>()
  for await (const { code, currency, balance } of deps.store.scan(ledgerAccounts.byTenant, {
    equals: [tenant],
  })) {
    const rows = byCurrency.get(currency) ?? new Map<LedgerCode, { debit: bigint; credit: bigint }>()
    byCurrency.set(currency, rows)
    const row = rows.get(code) ?? { debit: 0n, credit: 0n }
    rows.set(code, row)
    if (balance > 0n) row.debit += balance
    else row.credit -= balance
  }
  return {
    object: 'trial_balance',
    livemode: deps.livemode,
    as_of: deps.now().toISOString(),
    currencies: [...byCurrency].toSorted(byName).map(([currency, rows]) => totals(currency, rows)),
  }
}

function totals(currency: string, rows: ReadonlyMap<LedgerCode, { debit: bigint; credit: bigint }>) {
  const wire = (amount: bigint) => toWire({ amount, currency }).amount
  let [debits, credits] = [0n, 0n]
  for (const { debit, credit } of rows.values()) {
    debits += debit
    credits += credit
  }
  return {
    currency,
    rows: [...rows]
      .toSorted(byName)
      .map(([code, { debit, credit }]) => ({ code, debit: wire(debit), credit: wire(credit) })),
    debits: wire(debits),
    credits: wire(credits),
    balanced: debits === credits,
  }
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** An account of the ledger as the API tells it. */
export function viewAccount(
  { livemode }: Pick<Deps, 'livemode'>,
  { id, code, party, currency, balance, postings }: Account,
): z.infer<typeof ledgerAccountView> {
  return {
    object: 'ledger_account',
    id,
    livemode,
    code,
    ...(party !== undefined && { party }),
    balance: toWire({ amount: balance, currency }),
    postings,
  }
}

/** A journal as the API tells it. */
export function viewJournal(
  { livemode }: Pick<Deps, 'livemode'>,
  journal: Journal,
): z.infer<typeof journalView> {
  const { id, at, memo, cause, reverses, currency, auditId } = journal
  return {
    object: 'journal',
    id,
    livemode,
    at: at.toISOString(),
    memo,
    cause,
    ...(reverses !== undefined && { reverses }),
    postings: journal.postings.map(({ account, code, party, amount }) => ({
      account,
      code,
      ...(party !== undefined && { party }),
      amount: toWire({ amount, currency }),
    })),
    audit_id: auditId,
  }
}
