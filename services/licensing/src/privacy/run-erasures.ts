import { hash } from 'node:crypto'
import { outbox } from '@tallystick/runtime'
import { replace } from '@tallystick/storage'
import type { Stored, Write } from '@tallystick/storage'
import { announce } from '../announce.ts'
import type { Deps } from '../deps.ts'
import { activeHolds } from './active-holds.ts'
import type { ActiveHolds } from './active-holds.ts'
import { subjectRequests } from './collections.ts'
import { forgetSteps } from './forget.ts'
import { outcomeOf } from './subject-requests.ts'
import type { StoredRequest } from './subject-requests.ts'

type ErasureDeps = Pick<Deps, 'store' | 'erasure' | 'identity' | 'now' | 'newId' | 'log'>
type Fence = () => readonly Write[]

/**
 * Takes every erasure that is open as far as it goes. Each page of erased objects is one commit with the place where the
 * next begins, so a copy that dies anywhere leaves a request that any other copy goes on with. Gives how many were completed.
 */
export async function runErasures(deps: ErasureDeps, fence: Fence = () => []): Promise<number> {
  let completed = 0
  for (const status of ['pending', 'held']) {
    for await (const { id } of deps.store.scan(subjectRequests.byStatus, { equals: [status] })) {
      if (await runErasure(deps, id, fence)) completed++
    }
  }
  return completed
}

async function runErasure(deps: ErasureDeps, id: string, fence: Fence): Promise<boolean> {
  for (;;) {
    const going = await deps.store.attempt(() => advance(deps, id, fence))
    if (going !== 'on') return going === 'completed'
  }
}

type Outcome = 'on' | 'waits' | 'completed'

async function advance(deps: ErasureDeps, id: string, fence: Fence): Promise<Outcome> {
  const request = await deps.store.get(subjectRequests, id)
  if (!request || request.status === 'completed') return 'completed'
  const holds = await activeHolds(deps.store, request.tenant)
  const isHeld = holds.on('subject', request.names) !== undefined
  if (isHeld !== (request.status === 'held')) {
    const status = isHeld ? ('held' as const) : ('pending' as const)
    await save(deps, request, { status }, [...fence()])
    return isHeld ? 'waits' : 'on'
  }
  if (isHeld) return 'waits'
  if (request.step < forgetSteps.length) return forgetPage(deps, request, holds, fence)
  if (request.step === forgetSteps.length) return eraseRecords(deps, request, holds, fence)
  return complete(deps, request, fence)
}

async function forgetPage(
  deps: ErasureDeps,
  request: Stored<StoredRequest>,
  holds: ActiveHolds,
  fence: Fence,
): Promise<Outcome> {
  const { store, now } = deps
  const { tenant, names, pseudonym, after } = request
  const step = forgetSteps[request.step]
  const name = names[request.name]
  if (!step || name === undefined) throw new Error(`${request.id} stands at no step`)
  const page = await step.page({ store, tenant, names, pseudonym, holds, at: now() }, name, after)
  const known = new Set(request.kept.map(({ id }) => id))
  const erased = { ...request.erased }
  if (page.erased.length > 0) erased[step.object] = (erased[step.object] ?? 0) + page.erased.length
  const change = {
    ...nextPlace(request, page.next),
    erased,
    chain: page.erased.reduce((chain, id) => hash('sha256', `${chain}\n${id}`, 'hex'), request.chain),
    kept: [...request.kept, ...page.kept.filter(({ id }) => !known.has(id))],
  }
  await save(deps, request, change, [...fence(), holds.guard, ...page.writes])
  return 'on'
}

/** The next page, the next name, or the first name of the next step. */
function nextPlace({ step, name, names }: StoredRequest, next: string | undefined) {
  if (next !== undefined) return { after: next }
  if (name + 1 < names.length) return { name: name + 1, after: undefined }
  return { step: step + 1, name: 0, after: undefined }
}

async function eraseRecords(
  deps: ErasureDeps,
  request: Stored<StoredRequest>,
  holds: ActiveHolds,
  fence: Fence,
): Promise<Outcome> {
  // What is still on its way to the audit service would be recorded after the erasure had passed.
  if (await hasUnsentEvents(deps, request)) return 'waits'
  const keepLicenses = request.kept.flatMap(({ object, id }) => (object === 'license' ? [id] : []))
  const done = await deps.erasure.eraseBodies(request.tenant, {
    subject: request.names[request.name] ?? '',
    keepLicenses: [...new Set([...keepLicenses, ...holds.names('license')])],
    keepItems: holds.names('item'),
    ...(request.after !== undefined && { after: request.after }),
  })
  const count = (request.erased['record_body'] ?? 0) + done.erased
  const erased = { ...request.erased, ...(count > 0 && { record_body: count }) }
  await save(deps, request, { ...nextPlace(request, done.next), erased }, [...fence()])
  return 'on'
}

async function hasUnsentEvents({ store }: ErasureDeps, { tenant }: StoredRequest): Promise<boolean> {
  for await (const event of store.scan(outbox.byDue, { equals: ['audit'] }))
    if (event.tenant === tenant) return true
  return false
}

async function complete(deps: ErasureDeps, request: Stored<StoredRequest>, fence: Fence): Promise<Outcome> {
  const { id, tenant, requestedBy, subjectDigest, names, subject = '' } = request
  const party = await deps.identity.resolveParty(tenant, subject)
  const account = party?.account
  const kept =
    account === undefined
      ? request.kept
      : [...request.kept, { object: 'account', id: account, reason: 'kept_by_identity' }]
  // A certificate that named the subject, as its own requester, would undo the erasure.
  const actor = names.includes(requestedBy) ? request.pseudonym : requestedBy
  const told = outcomeOf({ ...request, kept })
  const { write, auditId } = announce(
    deps,
    { tenant, account: actor },
    {
      kind: 'subject_request.completed',
      data: {
        request: id,
        type: request.type,
        subject_digest: subjectDigest,
        certificate: { ...told, kept: told.kept.slice(0, 500), kept_count: told.kept.length },
      },
    },
  )
  const completedAt = deps.now()
  const change = { status: 'completed' as const, subject: undefined, names: [], completedAt, auditId, kept }
  await save(deps, request, { ...change, requestedBy: actor }, [...fence(), write])
  deps.log.info({ request: id }, 'erasure completed')
  return 'completed'
}

async function save(
  { store }: Pick<Deps, 'store'>,
  { version, ...request }: Stored<StoredRequest>,
  change: { [K in keyof StoredRequest]?: StoredRequest[K] | undefined },
  writes: readonly Write[],
): Promise<void> {
  const next = Object.fromEntries(
    Object.entries({ ...request, ...change }).filter(([, held]) => held !== undefined),
  )
  await store.commit([...writes, replace(subjectRequests, subjectRequests.schema.parse(next), version)])
}
