import { hash } from 'node:crypto'
import { auditRecordsOf, outbox } from '@tallystick/runtime'
import { replace } from '@tallystick/storage'
import type { Stored, Write } from '@tallystick/storage'
import { announce } from '../announce.ts'
import { licenses } from '../collections.ts'
import type { Deps, ErasedBodies } from '../deps.ts'
import { activeHolds } from './active-holds.ts'
import type { ActiveHolds } from './active-holds.ts'
import { subjectRequests } from './collections.ts'
import { forgetElsewhere } from './forget-elsewhere.ts'
import { forgetSteps } from './forget-steps.ts'
import type { ForgottenPage } from './forget-steps.ts'
import { mentions, withoutNames } from './mentions.ts'
import { outcomeOf } from './subject-requests.ts'
import type { StoredRequest } from './subject-requests.ts'

type ErasureDeps = Pick<Deps, 'store' | 'erasure' | 'identity' | 'elsewhere' | 'now' | 'newId' | 'log'>
type Fence = () => readonly Write[]

// So many times it is looked whether something came in behind the erasure; what then still comes is new.
const mostPasses = 5
// A request is one document, of 1 MiB at most.
const mostKept = 5000
// As many are read before the place is written down.
const pagesAtOnce = 32
const licensesAtOnce = 500

/**
 * Takes every erasure that is open as far as it goes. Each page of erased objects is one commit with the place where the
 * next begins, so a copy that dies anywhere leaves a request that any other copy goes on with. Gives how many were completed;
 * rejects at the end when one of them failed.
 */
export async function runErasures(deps: ErasureDeps, fence: Fence = () => []): Promise<number> {
  let completed = 0
  const failures: unknown[] = []
  for (const status of ['pending', 'held']) {
    for await (const { id } of deps.store.scan(subjectRequests.byStatus, { equals: [status] })) {
      try {
        if (await runErasure(deps, id, fence)) completed++
      } catch (error) {
        // One that fails must not keep those behind it waiting.
        failures.push(error)
      }
    }
  }
  if (failures.length > 0) throw new AggregateError(failures, 'Some erasures could not go on')
  return completed
}

async function runErasure(deps: ErasureDeps, id: string, fence: Fence): Promise<boolean> {
  for (;;) {
    const going = await deps.store.attempt(() => advance(deps, id, fence))
    if (going !== 'on') return going === 'completed'
  }
}

type Place = Pick<StoredRequest, 'step' | 'name'> & { after?: string | undefined }
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
  if (request.step > forgetSteps.length) return complete(deps, request, fence)
  if (request.pass === 0 || (request.found && request.pass < mostPasses))
    return eraseRecords(deps, request, holds, fence)
  await save(deps, request, { step: request.step + 1 }, [...fence()])
  return 'on'
}

async function forgetPage(
  deps: ErasureDeps,
  request: Stored<StoredRequest>,
  holds: ActiveHolds,
  fence: Fence,
): Promise<Outcome> {
  const { place, object, page } = await nextFound(deps, request, holds)
  const erased = { ...request.erased }
  if (page.erased.length > 0) erased[object] = (erased[object] ?? 0) + page.erased.length
  const change = {
    ...place,
    found: request.found || page.erased.length > 0,
    erased,
    chain: page.erased.reduce((chain, one) => hash('sha256', `${chain}\n${one}`, 'hex'), request.chain),
    ...keptAfter(request, page),
  }
  await save(deps, request, change, [...fence(), holds.guard, ...page.writes])
  return 'on'
}

/** The first page from the request's place on that has anything, and the place behind it; places without are not kept. */
async function nextFound(deps: ErasureDeps, request: Stored<StoredRequest>, holds: ActiveHolds) {
  const { id, tenant, names, pseudonym } = request
  const context = { store: deps.store, tenant, request: id, names, pseudonym, holds, at: deps.now() }
  let place: Place = request
  for (let count = 1; ; count++) {
    const step = forgetSteps[place.step]
    const name = names[place.name]
    if (!step || name === undefined) throw new Error(`${id} stands at no step`)
    const page = await step.page(context, name, place.after)
    place = { ...place, ...nextPlace({ ...request, ...place }, page.next) }
    const found = page.writes.length + page.kept.length > 0
    if (found || count === pagesAtOnce || place.step === forgetSteps.length) {
      const { step: at, name: of, after } = place
      return { place: { step: at, name: of, after }, object: step.object, page }
    }
  }
}

/** What is kept so far: what went on a later pass is off the list, what is told again stands on it once. */
function keptAfter({ kept, keptCount, pass }: StoredRequest, page: ForgottenPage) {
  const gone = new Set(page.erased)
  const still = kept.filter(({ id }) => !gone.has(id))
  const known = new Set(still.map(({ id }) => id))
  // A later pass meets again what the list had no place for: it is counted already.
  const isCounted = pass > 0 && keptCount > kept.length
  const more = isCounted ? [] : page.kept.filter(({ id }) => !known.has(id))
  return {
    kept: [...still, ...more].slice(0, mostKept),
    keptCount: keptCount - (kept.length - still.length) + more.length,
  }
}

/** The next page, the next name, or the first name of the next step; a later pass looks in indexes alone. */
function nextPlace({ step, name, names, pass }: StoredRequest, next: string | undefined) {
  if (next !== undefined) return { after: next }
  const current = forgetSteps[step]
  if (current?.indexed !== false && name + 1 < names.length) return { name: name + 1, after: undefined }
  const onward = forgetSteps.findIndex((one, place) => place > step && (pass === 0 || one.indexed))
  return { step: onward < 0 ? forgetSteps.length : onward, name: 0, after: undefined }
}

async function eraseRecords(
  deps: ErasureDeps,
  request: Stored<StoredRequest>,
  holds: ActiveHolds,
  fence: Fence,
): Promise<Outcome> {
  // What is still on its way to the audit service would be recorded after the erasure had passed.
  if (await hasUnsentEvents(deps, request)) return 'waits'
  const { tenant, names, name, after } = request
  const { records = [], next } = await deps.erasure.eraseBodies(tenant, {
    subject: names[name] ?? '',
    keepLicenses: holds.names('license'),
    keepItems: holds.names('item'),
    dryRun: true,
    ...(after !== undefined && { after }),
  })
  const ids = await freeRecords(deps, request, records)
  const none = { erased: 0 }
  const done =
    ids.length === 0 ? none : await deps.erasure.eraseBodies(tenant, { ids, keepLicenses: [], keepItems: [] })
  const count = (request.erased['record_body'] ?? 0) + done.erased
  const erased = { ...request.erased, ...(count > 0 && { record_body: count }) }
  await save(deps, request, { ...afterRecords(request, next), erased }, [...fence()])
  return 'on'
}

/** The records among `records` that no agreement needs: one that was kept, however many there are, names the subject still. */
async function freeRecords(
  { store }: ErasureDeps,
  { tenant, names }: StoredRequest,
  records: NonNullable<ErasedBodies['records']>,
): Promise<string[]> {
  const named = [...new Set(records.flatMap((record) => record.licenses))]
  const kept = new Set<string>()
  for (let from = 0; from < named.length; from += licensesAtOnce)
    for (const found of await store.getMany(licenses, named.slice(from, from + licensesAtOnce)))
      if (found?.tenant === tenant && mentions(found, names)) kept.add(found.id)
  return records.flatMap((record) => (record.licenses.some((one) => kept.has(one)) ? [] : [record.id]))
}

/** The next page or name; after the last it is looked once more whether something came in meanwhile. */
function afterRecords({ name, names, pass }: StoredRequest, next: string | undefined) {
  if (next !== undefined) return { after: next }
  if (name + 1 < names.length) return { name: name + 1, after: undefined }
  return { step: 0, name: 0, after: undefined, pass: pass + 1, found: false }
}

async function hasUnsentEvents({ store }: ErasureDeps, { tenant, names }: StoredRequest): Promise<boolean> {
  for await (const event of store.scan(outbox.byDue, { equals: ['audit'] }))
    if (event.tenant === tenant && mentions(auditRecordsOf(event), names)) return true
  return false
}

async function complete(deps: ErasureDeps, stored: Stored<StoredRequest>, fence: Fence): Promise<Outcome> {
  const request = { ...stored, ...(await forgetElsewhere(deps, stored)) }
  const { id, tenant, requestedBy, subjectDigest, names, pseudonym, reason, keptCount } = request
  // A certificate that named the subject, as its own requester, would undo the erasure.
  const actor = names.includes(requestedBy) ? pseudonym : requestedBy
  const told = outcomeOf(request)
  const { write, auditId } = announce(
    deps,
    { tenant, account: actor },
    {
      kind: 'subject_request.completed',
      data: {
        request: id,
        type: request.type,
        subject_digest: subjectDigest,
        certificate: { ...told, kept: told.kept.slice(0, 500), kept_count: keptCount },
      },
    },
  )
  const change = {
    ...request,
    status: 'completed' as const,
    subject: undefined,
    names: [],
    reason: withoutNames(reason, names, pseudonym),
    requestedBy: actor,
    completedAt: deps.now(),
    auditId,
  }
  await save(deps, stored, change, [...fence(), write])
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
    Object.entries({ ...request, ...change, version: undefined }).filter(([, held]) => held !== undefined),
  )
  await store.commit([...writes, replace(subjectRequests, subjectRequests.schema.parse(next), version)])
}
