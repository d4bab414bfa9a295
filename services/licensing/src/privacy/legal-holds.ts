import { Fault } from '@tallystick/protocol'
import type { Caller, Plan } from '@tallystick/runtime'
import { increment, insert, replace } from '@tallystick/storage'
import type { Stored } from '@tallystick/storage'
import type { z } from 'zod'
import { announce, digestOf } from '../announce.ts'
import type { Deps } from '../deps.ts'
import { holdGuards, legalHolds } from './collections.ts'
import { namesOfSubject } from './names-of-subject.ts'
import type { HoldInput, legalHold } from './schemas.ts'

type StoredHold = z.infer<typeof legalHolds.schema>
type Hold = z.infer<typeof legalHold>

/** Plans a legal hold: nothing that it names is erased or purged until it is released. It does not deny use. */
export async function placeHold(deps: Deps, caller: Caller, input: HoldInput): Promise<Plan<Hold>> {
  const { tenant } = caller
  const { subject, license, item, reason } = input
  const on = subject !== undefined ? 'subject' : license !== undefined ? 'license' : 'item'
  const names =
    subject === undefined ? [license ?? item ?? ''] : (await namesOfSubject(deps, tenant, subject)).names
  const hold = {
    id: deps.newId('hold'),
    tenant,
    on,
    names,
    reason,
    status: 'active',
    createdAt: deps.now(),
  } as const
  const change = { subject: hold.id, after: holdDigest(hold), reason }
  const { write, auditId } = announce(deps, caller, { kind: 'hold.placed', data: { change, on } })
  const stored: StoredHold = { ...hold, auditId }
  return {
    writes: [insert(legalHolds, stored), increment(holdGuards, tenant, { holds: 1 }), write],
    answer: holdView(deps.livemode, stored),
  }
}

/** Plans the release of a hold; what was due meanwhile is erased or purged at the next run. */
export async function releaseHold(
  deps: Deps,
  caller: Caller,
  { hold_id: id, reason }: { hold_id: string; reason: string },
): Promise<Plan<Hold>> {
  const { version, ...before } = await findHold(deps, caller, id)
  if (before.status === 'released') return { writes: [], answer: holdView(deps.livemode, before) }
  const released = { ...before, status: 'released' as const, releasedAt: deps.now(), releaseReason: reason }
  const change = { subject: id, before: holdDigest(before), after: holdDigest(released), reason }
  const { write, auditId } = announce(deps, caller, {
    kind: 'hold.released',
    data: { change, on: before.on },
  })
  const after = { ...released, auditId }
  return { writes: [replace(legalHolds, after, version), write], answer: holdView(deps.livemode, after) }
}

/** The hold `id` of the caller's tenant. Throws Fault `not_found`. */
export async function findHold(
  { store }: Pick<Deps, 'store'>,
  caller: Caller,
  id: string,
): Promise<Stored<StoredHold>> {
  const found = await store.get(legalHolds, id)
  if (!found || found.tenant !== caller.tenant) throw new Fault('not_found')
  return found
}

/** The wire form of a hold. */
export function holdView(livemode: boolean, hold: StoredHold): Hold {
  return {
    object: 'legal_hold',
    id: hold.id,
    livemode,
    created_at: hold.createdAt.toISOString(),
    audit_id: hold.auditId,
    on: hold.on,
    names: hold.names,
    reason: hold.reason,
    status: hold.status,
    ...(hold.releasedAt && { released_at: hold.releasedAt.toISOString() }),
    ...(hold.releaseReason !== undefined && { release_reason: hold.releaseReason }),
  }
}

function holdDigest(hold: Omit<StoredHold, 'auditId'>): string {
  const { audit_id: _, ...told } = holdView(false, { ...hold, auditId: '' })
  return digestOf(told)
}
