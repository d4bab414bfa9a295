import { formatDecimal, toMajor } from '@tallystick/money'
import { Fault } from '@tallystick/protocol'
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

const mostJournals = 50_000

/**
 * The postings of the journals in `[from, before)` as CSV (RFC 4180), one line each, oldest first; amounts in major
 * units. Throws Fault `validation_failed` for a window with more than 50,000 journals.
 */
export async function exportPostings(
  { store }: Pick<Deps, 'store'>,
  tenant: string,
  { from, before, party }: { from: Date; before: Date; party?: string | undefined },
): Promise<string> {
  let text = csvLine(header)
  let seen = 0
  for await (const journal of store.scan(journals.byTenant, { equals: [tenant], range: { from, before } })) {
    if (++seen > mostJournals) throw tooMany()
    for (const posting of journal.postings) {
      if (party === undefined || posting.party === party) text += csvLine(cellsOf(journal, posting))
    }
  }
  return text
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

/** A line of CSV (RFC 4180); what a spreadsheet would run as a formula is made text. */
export function csvLine(cells: readonly string[]): string {
  return `${cells.map((cell) => quoted(/^[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell)).join(',')}\r\n`
}

function quoted(cell: string): string {
  return /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell
}

function tooMany(): Fault {
  const message = `the window holds more than ${mostJournals} journals`
  return new Fault('validation_failed', {
    errors: [{ pointer: '/created_before', message, fix: 'Ask for a shorter window, several times.' }],
  })
}
