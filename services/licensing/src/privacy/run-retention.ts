import { replace } from '@tallystick/storage'
import type { Write } from '@tallystick/storage'
import { announce } from '../announce.ts'
import type { Deps } from '../deps.ts'
import { activeHolds } from './active-holds.ts'
import { retentionPolicies } from './collections.ts'
import { dueForPurge, horizonOf } from './due-for-purge.ts'
import type { PurgePlace, StoredPolicy } from './due-for-purge.ts'

type RunDeps = Pick<Deps, 'store' | 'erasure' | 'now' | 'newId' | 'log'>
type Fence = () => readonly Write[]

const dayMs = 86_400_000
/** The actor of what a policy does by itself. */
const clock = 'retention'

/** Runs every policy whose time has come, each once a day; `fence` belongs into each commit. Gives how many objects went. */
export async function runRetention(deps: RunDeps, fence: Fence = () => []): Promise<number> {
  let purged = 0
  const due = { equals: ['active'], range: { upTo: deps.now() } }
  const ids: string[] = []
  for await (const { id } of deps.store.scan(retentionPolicies.due, due)) ids.push(id)
  for (const id of ids) purged += await runPolicy(deps, id, fence)
  return purged
}

async function runPolicy(deps: RunDeps, id: string, fence: Fence): Promise<number> {
  const policy = await deps.store.get(retentionPolicies, id)
  if (!policy || policy.status !== 'active') return 0
  const at = deps.now()
  const purged =
    policy.kind === 'audit_bodies'
      ? await purgeBodies(deps, policy, at, fence)
      : await purgeObjects(deps, policy, at, fence)
  await deps.store.attempt(async () => {
    const found = await deps.store.get(retentionPolicies, id)
    if (!found) return
    const { version, ...rest } = found
    const next = { ...rest, nextRunAt: new Date(at.getTime() + dayMs) }
    await deps.store.commit([...fence(), replace(retentionPolicies, next, version)])
  })
  deps.log.info({ policy: id, purged }, 'retention policy was run')
  return purged
}

/**
 * Purges page by page; each page is one commit with its event, and is thought anew when a hold came in between. A run that
 * dies begins anew: what it purged is gone, so little is read twice.
 */
async function purgeObjects(deps: RunDeps, policy: StoredPolicy, at: Date, fence: Fence): Promise<number> {
  const { store } = deps
  let purged = 0
  let place: PurgePlace | undefined
  do {
    const done = await store.attempt(async () => {
      const holds = await activeHolds(store, policy.tenant)
      const { due, next } = await dueForPurge(store, policy, holds, { at, place })
      const gone = due.filter(({ writes }) => writes.length > 0)
      if (gone.length > 0) {
        const told = gone.map(({ object, id }) => ({ object, id }))
        const event = purgedEvent(deps, policy, told)
        await store.commit([...fence(), holds.guard, ...gone.flatMap(({ writes }) => writes), event])
      }
      return { count: gone.length, next }
    })
    purged += done.count
    place = done.next
  } while (place)
  return purged
}

async function purgeBodies(deps: RunDeps, policy: StoredPolicy, at: Date, fence: Fence): Promise<number> {
  const { tenant } = policy
  let purged = 0
  let after: string | undefined
  do {
    const holds = await activeHolds(deps.store, tenant)
    const done = await deps.erasure.eraseBodies(tenant, {
      before: horizonOf(policy, at),
      keepLicenses: holds.names('license'),
      keepItems: holds.names('item'),
      ...(after !== undefined && { after }),
    })
    const told = done.ids.map((id) => ({ object: 'record_body', id }))
    if (told.length > 0) await deps.store.commit([...fence(), purgedEvent(deps, policy, told)])
    purged += done.erased
    after = done.next
  } while (after !== undefined)
  return purged
}

function purgedEvent(
  deps: RunDeps,
  { tenant, id }: StoredPolicy,
  purged: { object: string; id: string }[],
): Write {
  const data = { policy: id, purged }
  return announce(deps, { tenant, account: clock }, { kind: 'retention.purged', data }).write
}
