import { formatDecimal, toMajor } from '@tallystick/money'
import { csvLine } from '@tallystick/runtime'
import type { Deps } from '../deps.ts'
import { journals } from './collections.ts'
import type { Journal } from './post-journal.ts'

const header = [
  'journal_id',
  'at',
  'cause_kind',
  'cause_id',
  'memo',
  'account_id',
  'code',
  'party',
  'debit',
  'credit',
  'currency',
  'reverses',
  'audit_id',
]

/**
 * The postings of the journals in `[from, before)` as lines of CSV (RFC 4180), oldest first; amounts in major units.
 */
export async function* exportPostings(
  { store }: Pick<Deps, 'store'>,
  tenant: string,
  { from, before, party }: { from: Date; before: Date; party?: string | undefined },
): AsyncIterable<string> {
  yield csvLine(header)
  for await (const journal of store.scan(journals.byTenant, { equals: [tenant], range: { from, before } })) {
    for (const posting of journal.postings) {
      if (party === undefined || posting.party === party) yield csvLine(cellsOf(journal, posting))
    }
  }
}

function cellsOf(
  journal: Journal,
  { account, code, party = '', amount }: Journal['postings'][number],
): string[] {
  const { id, at, cause, memo, currency, reverses = '', auditId } = journal
  const major = (minor: bigint) => (minor > 0n ? formatMajor(minor, currency) : '')
  return [
    id,
    at.toISOString(),
    cause.kind,
    cause.id,
    memo,
    account,
    code,
    party,
    major(amount),
    major(-amount),
    currency,
    reverses,
    auditId,
  ]
}

function formatMajor(amount: bigint, currency: string): string {
  const major = toMajor({ amount, currency })
  return formatDecimal(major, major.scale)
}
