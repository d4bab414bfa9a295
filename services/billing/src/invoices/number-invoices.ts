import { hash } from 'node:crypto'
import { derivedId } from '@tallystick/protocol'
import { ensure, replace } from '@tallystick/storage'
import type { Write } from '@tallystick/storage'
import type { Deps } from '../deps.ts'
import { invoiceCounters } from './collections.ts'

/** What is numbered; each kind has a row of numbers of its own. */
export type Numbered = 'invoice' | 'credit_note'

/**
 * The next `count` numbers of a tenant for a year, such as `2026-000042`, and the writes that take them. They
 * must be in the commit that gives the numbers away: two who draw at once cannot both pass, so no number is given
 * twice and none is lost.
 */
export async function takeNumbers(
  { store }: Pick<Deps, 'store'>,
  { tenant, kind, year, count }: { tenant: string; kind: Numbered; year: number; count: number },
): Promise<{ numbers: string[]; writes: Write[] }> {
  const id = derivedId('invoice', hash('sha256', JSON.stringify([tenant, kind, year])))
  const found = await store.get(invoiceCounters, id)
  const last = (found?.last ?? 0) + count
  const prefix = kind === 'invoice' ? '' : 'CN-'
  const numbers = Array.from(
    { length: count },
    (_, place) => `${prefix}${year}-${String(last - count + place + 1).padStart(6, '0')}`,
  )
  const counter = { id, tenant, year, last }
  // Who comes second to a new year must see a changed version, and try again, not a taken id.
  const begin = found ? [] : [ensure(invoiceCounters, { ...counter, last: 0 })]
  return { numbers, writes: [...begin, replace(invoiceCounters, counter, found?.version ?? 1)] }
}
