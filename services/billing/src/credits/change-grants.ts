import { toWire } from '@tallystick/money'
import { Fault } from '@tallystick/protocol'
import { auditIdOf } from '@tallystick/receipt'
import { auditEvent } from '@tallystick/runtime'
import type { Caller, Plan } from '@tallystick/runtime'
import { insert, replace } from '@tallystick/storage'
import type { Stored, Write } from '@tallystick/storage'
import type { z } from 'zod'
import { timeOf } from '../clocks/time-of.ts'
import { customers } from '../customers/collections.ts'
import { findCustomer } from '../customers/find-customer.ts'
import type { Deps } from '../deps.ts'
import { postJournal } from '../ledger/post-journal.ts'
import { creditGrants } from './collections.ts'
import type { GrantInput, grantView } from './credit-schemas.ts'

type StoredGrant = z.infer<typeof creditGrants.schema>
type View = z.infer<typeof grantView>

/** Grants prepaid credit: what was paid for it is owed to the customer until invoices draw it. */
export async function grantCredit(deps: Deps, caller: Caller, input: GrantInput): Promise<Plan<View>> {
  const { tenant } = caller
  const customer = await findCustomer(deps, caller, input.customer)
  const at = await timeOf(deps, customer)
  const expiresAt = input.expires_at === undefined ? undefined : new Date(input.expires_at)
  if (expiresAt && expiresAt <= at) {
    throw new Fault('validation_failed', {
      errors: [{ pointer: '/expires_at', message: 'lies in the past' }],
    })
  }
  const event = deps.newId('event')
  const amount = BigInt(input.amount)
  const grant: StoredGrant = {
    id: deps.newId('creditGrant'),
    tenant,
    customer: customer.id,
    currency: customer.currency,
    amount,
    remaining: amount,
    priority: input.priority,
    name: input.name,
    status: 'open',
    ...(expiresAt && { expiresAt }),
    createdAt: at,
    auditId: auditIdOf(tenant, event),
  }
  const source = input.paid ? ({ code: 'cash' } as const) : ({ code: 'fees', party: 'promotion' } as const)
  const writes = [
    insert(creditGrants, grant),
    ...moveCredit(grant, { kind: 'credit.granted', at, amount, from: source, auditId: grant.auditId }),
    told(deps, { event, caller: caller.account, kind: 'credit.granted', grant, amount }),
  ]
  return { writes, answer: viewGrant(deps, grant) }
}

/** Ends a grant; what is left of it is taken back. */
export async function voidGrant(deps: Deps, caller: Caller, id: string): Promise<Plan<View>> {
  const found = await findGrant(deps, caller, id)
  if (found.status !== 'open') throw new Fault('invalid_state', { detail: `The grant is ${found.status}` })
  const customer = await deps.store.get(customers, found.customer)
  const at = await timeOf(deps, customer ?? {})
  return endGrant(deps, found, { status: 'voided', actor: caller.account, at })
}

/** The writes by which a grant ends: what is left becomes the marketplace's income. */
export function endGrant(
  deps: Deps,
  { version, ...grant }: Stored<StoredGrant>,
  { status, actor, at }: { status: 'expired' | 'voided'; actor: string; at: Date },
): Plan<View> {
  const event = deps.newId('event')
  const auditId = auditIdOf(grant.tenant, event)
  const amount = grant.remaining
  const kind = `credit.${status}`
  const ended: StoredGrant = { ...grant, remaining: 0n, status, auditId }
  const breakage = { code: 'credit_breakage' } as const
  const writes = [
    replace(creditGrants, ended, version),
    ...(amount > 0n ? moveCredit(grant, { kind, at, amount: -amount, from: breakage, auditId }) : []),
    told(deps, { event, caller: actor, kind, grant, amount }),
  ]
  return { writes, answer: viewGrant(deps, ended) }
}

/** The grant that the caller may see, or Fault `not_found`. */
export async function findGrant(deps: Deps, caller: Caller, id: string): Promise<Stored<StoredGrant>> {
  const grant = await deps.store.get(creditGrants, id)
  if (!grant || grant.tenant !== caller.tenant) throw new Fault('not_found')
  await findCustomer(deps, caller, grant.customer)
  return grant
}

/** A grant as the API tells it. */
export function viewGrant({ livemode }: Pick<Deps, 'livemode'>, grant: StoredGrant): View {
  const { id, customer, currency, name, priority, status, expiresAt, createdAt, auditId } = grant
  return {
    object: 'credit_grant',
    id,
    livemode,
    customer,
    name,
    status,
    priority,
    amount: toWire({ amount: grant.amount, currency }),
    remaining: toWire({ amount: grant.remaining, currency }),
    ...(expiresAt && { expires_at: expiresAt.toISOString() }),
    created_at: createdAt.toISOString(),
    audit_id: auditId,
  }
}

function moveCredit(
  { id, tenant, customer, currency, name }: StoredGrant,
  about: {
    kind: string
    at: Date
    amount: bigint
    from: { code: 'cash' | 'fees' | 'credit_breakage'; party?: string }
    auditId: string
  },
): Write[] {
  const { kind, at, amount, from, auditId } = about
  return postJournal({
    tenant,
    at,
    currency,
    cause: { kind, id },
    auditId,
    memo: `Credit: ${name}`,
    postings: [
      { ...from, amount },
      { code: 'customer_credit', party: customer, amount: -amount },
    ],
  })
}

function told(
  { now }: Pick<Deps, 'now'>,
  about: { event: string; caller: string; kind: string; grant: StoredGrant; amount: bigint },
): Write {
  const { event, caller, kind, grant, amount } = about
  const { id, tenant, customer, currency } = grant
  const data = { grant: id, customer, amount: Number(amount), currency }
  return auditEvent({
    id: event,
    tenant,
    at: now(),
    record: { kind, actor: caller, licenses: [], items: [], data },
  })
}
