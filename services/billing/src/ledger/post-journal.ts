import { hash } from 'node:crypto'
import { derivedId } from '@tallystick/protocol'
import { increment, insert } from '@tallystick/storage'
import type { Write } from '@tallystick/storage'
import type { z } from 'zod'
import { journals, ledgerAccounts } from './collections.ts'
import type { LedgerCode } from './collections.ts'

/** A journal as it is stored. */
export type Journal = z.infer<typeof journals.schema>

/** One side of a movement: a debit is positive, a credit negative, in minor units. */
export interface Posting {
  code: LedgerCode
  /** Whose account of that code it is, such as a customer's or a creator's. */
  party?: string
  amount: bigint
}

/** A movement of money that is to be booked. */
export interface JournalDraft {
  tenant: string
  at: Date
  /** ISO 4217; a journal has one currency. */
  currency: string
  /** What moved the money. The journal's id follows from it: the same cause is booked once. */
  cause: { kind: string; id: string }
  /** The audit id of the event that tells of the cause. */
  auditId: string
  memo: string
  postings: readonly Posting[]
  reverses?: string
}

/**
 * The writes that book a movement: its journal and the balances that it moves. Postings of zero are left out and
 * those of one account added up; the rest must balance. Throws when nothing is left or the sum is not zero: that is
 * a defect of the caller, never of a request.
 */
export function postJournal(draft: JournalDraft): Write[] {
  const { tenant, at, currency } = draft
  const postings = merged(tenant, currency, draft.postings)
  const sum = postings.reduce((total, { amount }) => total + amount, 0n)
  if (sum !== 0n) throw new Error(`The journal for ${draft.cause.kind} ${draft.cause.id} is off by ${sum}`)
  if (postings.length === 0) throw new Error(`The journal for ${draft.cause.kind} ${draft.cause.id} is empty`)
  const journal: Journal = {
    id: journalIdOf(tenant, draft.cause),
    tenant,
    at,
    currency,
    cause: draft.cause,
    auditId: draft.auditId,
    memo: draft.memo,
    ...(draft.reverses !== undefined && { reverses: draft.reverses }),
    postings,
    accounts: postings.map(({ account }) => account),
    createdAt: at,
  }
  return [insert(journals, journal), ...postings.map((posting) => moveBalance(tenant, currency, posting))]
}

/** The id of the journal that books a cause. */
export function journalIdOf(tenant: string, { kind, id }: JournalDraft['cause']): string {
  return derivedId('journal', digest([tenant, kind, id]))
}

/** The id of a tenant's account for one code, party and currency. */
export function ledgerAccountIdOf(
  tenant: string,
  account: { code: LedgerCode; party?: string | undefined; currency: string },
): string {
  return derivedId('ledgerAccount', digest([tenant, account.code, account.party ?? '', account.currency]))
}

/** The postings of `journal` the other way round, for the journal that takes it back. */
export function reversedPostings(journal: Journal): Posting[] {
  return journal.postings.map(({ code, party, amount }) => ({
    code,
    ...(party !== undefined && { party }),
    amount: -amount,
  }))
}

function merged(tenant: string, currency: string, postings: readonly Posting[]): Journal['postings'] {
  const byAccount = new Map<string, Journal['postings'][number]>()
  for (const posting of postings) {
    const account = ledgerAccountIdOf(tenant, { ...posting, currency })
    const before = byAccount.get(account)
    byAccount.set(account, { ...posting, account, amount: (before?.amount ?? 0n) + posting.amount })
  }
  return [...byAccount.values()].filter(({ amount }) => amount !== 0n)
}

function moveBalance(tenant: string, currency: string, posting: Journal['postings'][number]): Write {
  const { account, code, party, amount } = posting
  return increment(
    ledgerAccounts,
    account,
    { balance: amount, postings: 1 },
    {},
    { tenant, code, currency, ...(party !== undefined && { party }) },
  )
}

function digest(parts: readonly string[]): string {
  return hash('sha256', JSON.stringify(parts))
}
