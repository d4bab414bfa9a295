import { Fault } from '@tallystick/protocol'
import type { Caller, Plan } from '@tallystick/runtime'
import { insert, replace } from '@tallystick/storage'
import type { Stored } from '@tallystick/storage'
import type { z } from 'zod'
import { announce, digestOf } from '../announce.ts'
import type { Deps } from '../deps.ts'
import { activeHolds } from './active-holds.ts'
import { retentionPolicies } from './collections.ts'
import { dueForPurge, horizonOf } from './due-for-purge.ts'
import type { PurgePlace, StoredPolicy } from './due-for-purge.ts'
import type { PolicyInput, retentionPolicy, retentionRun } from './schemas.ts'

type Policy = z.infer<typeof retentionPolicy>

const firstRunMs = 24 * 60 * 60 * 1000
const listed = 10_000

/** Plans a policy. It runs for the first time a day later, so that a mistake can be seen in a dry run and taken back. */
export async function createPolicy(deps: Deps, caller: Caller, input: PolicyInput): Promise<Plan<Policy>> {
  const at = deps.now()
  const policy = {
    id: deps.newId('retentionPolicy'),
    tenant: caller.tenant,
    kind: input.kind,
    ...(input.license !== undefined && { license: input.license }),
    keepDays: input.keep_days,
    reason: input.reason,
    status: 'active' as const,
    nextRunAt: new Date(at.getTime() + firstRunMs),
    createdAt: at,
  }
  const change = { subject: policy.id, after: policyDigest(policy), reason: input.reason }
  const { write, auditId } = announce(deps, caller, { kind: 'retention_policy.created', data: { change } })
  const stored = { ...policy, auditId }
  return { writes: [insert(retentionPolicies, stored), write], answer: policyView(deps.livemode, stored) }
}

/** Plans the end of a policy: nothing is purged by it any more. */
export async function retirePolicy(
  deps: Deps,
  caller: Caller,
  { policy_id: id, reason }: { policy_id: string; reason: string },
): Promise<Plan<Policy>> {
  const { version, ...before } = await findPolicy(deps, caller, id)
  if (before.status === 'retired') return { writes: [], answer: policyView(deps.livemode, before) }
  const retired = { ...before, status: 'retired' as const }
  const change = { subject: id, before: policyDigest(before), after: policyDigest(retired), reason }
  const { write, auditId } = announce(deps, caller, { kind: 'retention_policy.retired', data: { change } })
  const after = { ...retired, auditId }
  return {
    writes: [replace(retentionPolicies, after, version), write],
    answer: policyView(deps.livemode, after),
  }
}

/** What a run of the policy at this moment would purge and what it would keep; changes nothing. */
export async function dryRun(deps: Deps, caller: Caller, id: string): Promise<z.infer<typeof retentionRun>> {
  const policy = await findPolicy(deps, caller, id)
  const at = deps.now()
  const holds = await activeHolds(deps.store, policy.tenant)
  const data: { object: string; id: string }[] = []
  const kept: { object: string; id: string; reason: string }[] = []
  let place: PurgePlace | undefined
  do {
    const { due, next } = await dueForPurge(deps.store, policy, holds, { at, place })
    for (const { object, id: of, kept: reason } of due) {
      if (reason === undefined) data.push({ object, id: of })
      else kept.push({ object, id: of, reason })
    }
    place = data.length + kept.length > listed ? undefined : next
  } while (place)
  let after: string | undefined
  let more = policy.kind === 'audit_bodies'
  while (more && data.length <= listed) {
    const page = await deps.erasure.eraseBodies(policy.tenant, {
      before: horizonOf(policy, at),
      keepLicenses: holds.names('license'),
      keepItems: holds.names('item'),
      dryRun: true,
      ...(after !== undefined && { after }),
    })
    data.push(...page.ids.map((one) => ({ object: 'record_body', id: one })))
    after = page.next
    more = after !== undefined
  }
  return {
    object: 'retention_dry_run',
    policy: id,
    livemode: deps.livemode,
    at: at.toISOString(),
    data: data.slice(0, listed),
    kept: kept.slice(0, listed),
    has_more: data.length + kept.length > listed,
  }
}

/** The policy `id` of the caller's tenant. Throws Fault `not_found`. */
export async function findPolicy(
  { store }: Pick<Deps, 'store'>,
  caller: Caller,
  id: string,
): Promise<Stored<StoredPolicy>> {
  const found = await store.get(retentionPolicies, id)
  if (!found || found.tenant !== caller.tenant) throw new Fault('not_found')
  return found
}

/** The wire form of a policy. */
export function policyView(livemode: boolean, policy: StoredPolicy): Policy {
  return {
    object: 'retention_policy',
    id: policy.id,
    livemode,
    created_at: policy.createdAt.toISOString(),
    audit_id: policy.auditId,
    kind: policy.kind,
    ...(policy.license !== undefined && { license: policy.license }),
    keep_days: policy.keepDays,
    reason: policy.reason,
    status: policy.status,
    next_run_at: policy.nextRunAt.toISOString(),
  }
}

function policyDigest(policy: Omit<StoredPolicy, 'auditId'>): string {
  const { audit_id: _, next_run_at: __, ...told } = policyView(false, { ...policy, auditId: '' })
  return digestOf(told)
}
