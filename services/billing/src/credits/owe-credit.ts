import { auditEvent } from '@tallystick/runtime'
import { insert } from '@tallystick/storage'
import type { Write } from '@tallystick/storage'
import type { z } from 'zod'
import type { Deps } from '../deps.ts'
import { creditGrants } from './collections.ts'

type StoredGrant = z.infer<typeof creditGrants.schema>

/**
 * The writes by which an amount that is owed to a customer becomes credit: the grant, drawn before all that was bought,
 * and its event. What it is owed for books the journal, under `auditId`.
 */
export function oweCredit(
  deps: Pick<Deps, 'newId' | 'now'>,
  about: Pick<StoredGrant, 'tenant' | 'customer' | 'currency' | 'amount' | 'name' | 'auditId'>,
  at: Date,
): Write[] {
  const { tenant, customer, currency, amount } = about
  const id = deps.newId('creditGrant')
  const grant: StoredGrant = { ...about, id, remaining: amount, priority: 0, status: 'open', createdAt: at }
  const data = { grant: id, customer, amount: Number(amount), currency }
  const record = { kind: 'credit.granted', actor: customer, licenses: [], items: [], data }
  return [
    insert(creditGrants, grant),
    auditEvent({ id: deps.newId('event'), tenant, at: deps.now(), record }),
  ]
}
