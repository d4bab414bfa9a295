import { setImmediate } from 'node:timers/promises'
import { Fault } from '@tallystick/protocol'
import type { Index, Stored } from '@tallystick/storage'
import { licenseView } from '../agreements/license-view.ts'
import type { StoredLicense } from '../agreements/license-view.ts'
import { consentView } from '../catalog/consent-view.ts'
import { consents, datasets, items, licenses, offers } from '../collections.ts'
import type { Deps } from '../deps.ts'
import { subjectRequests } from './collections.ts'
import { mentions } from './mentions.ts'
import { requestView } from './subject-requests.ts'
import type { StoredRequest } from './subject-requests.ts'

type DataDeps = Pick<Deps, 'store' | 'livemode' | 'now' | 'elsewhere'>

/** A member of the document: its name, and its objects as they come. */
type Member = readonly [name: string, objects: AsyncIterable<unknown>]

const pageSize = 500
const pieceSize = 32_768

/**
 * All that is known of a person (GDPR, articles 15 and 20) as one JSON document, in pieces: a page of objects is in memory
 * at a time, however many there are. With `mentioned` all of the tenant's objects are looked through for those that name
 * the person and are not theirs. Throws Fault `invalid_state`, and `unavailable` before the first piece.
 */
export async function subjectData(
  deps: DataDeps,
  request: StoredRequest,
  { mentioned }: { mentioned: boolean },
): Promise<AsyncIterable<string>> {
  const { type, tenant, names, subject } = request
  if (type !== 'export')
    throw new Fault('invalid_state', { detail: 'The request is an erasure; there is nothing to hand out' })
  if (subject === undefined)
    throw new Fault('invalid_state', { detail: 'The data of the person was erased after this request' })
  const told = await Promise.all(
    (deps.elsewhere ?? []).map(async (one) => [one.holds, await one.tell(tenant, names)]),
  )
  const head = {
    object: 'subject_data',
    livemode: deps.livemode,
    request: request.id,
    subject,
    names,
    generated_at: deps.now().toISOString(),
    ...Object.fromEntries(told),
  }
  return documentOf(head, membersOf(deps, request, mentioned))
}

function membersOf(deps: DataDeps, { tenant, names }: StoredRequest, mentioned: boolean): Member[] {
  const { livemode } = deps
  const at = deps.now()
  const has = (party: string | undefined) => party !== undefined && names.includes(party)
  /** The objects that an index has under the names; one that has several is told under the first. */
  async function* under<T extends { id: string }>(
    index: Index<T>,
    view: (one: Stored<T>) => unknown,
    partiesOf: (one: Stored<T>) => readonly (string | undefined)[],
  ) {
    for (const name of names) {
      for await (const one of pages(deps, index, [tenant, name]))
        if (partiesOf(one).find(has) === name) yield view(one)
    }
  }
  async function* agreements() {
    const view = (one: Stored<StoredLicense>) => licenseView(deps, one)
    yield* under(licenses.byCreator, view, ({ creator }) => [creator])
    // Those with themselves were told.
    yield* under(licenses.byBuyer, view, ({ creator, buyer }) => (has(creator) ? [] : [buyer]))
  }
  async function* requests() {
    for await (const one of pages(deps, subjectRequests.byTenant, [tenant]))
      if (one.names.some(has)) yield requestView(livemode, one)
  }
  return [
    [
      'consents',
      under(
        consents.bySubject,
        (one) => consentView(livemode, one, at),
        ({ subject }) => [subject],
      ),
    ],
    [
      'consents_given_for_others',
      under(
        consents.byGrantor,
        (one) => consentView(livemode, one, at),
        ({ subject, grantedBy }) => (has(subject) ? [] : [grantedBy]),
      ),
    ],
    ['items', under(items.byCreator, plain, ({ creators }) => ordered(creators, names))],
    ['datasets', under(datasets.byCreator, plain, ({ creators }) => ordered(creators, names))],
    ['offers', under(offers.byCreator, plain, ({ creator }) => [creator])],
    ['licenses', agreements()],
    ['data_subject_requests', requests()],
    ...(mentioned ? [['mentioned_in', mentionsOf(deps, tenant, names)] as const] : []),
  ]
}

/** What is stored, without whose it is and how often it changed. */
function plain(stored: object): object {
  const members = Object.entries(stored)
  return Object.fromEntries(members.filter(([field]) => field !== 'tenant' && field !== 'version'))
}

/** The names of those among `parties` in the order of `names`, so that the first under which an object is found counts. */
function ordered(parties: readonly string[], names: readonly string[]): string[] {
  return names.filter((name) => parties.includes(name))
}

/** Which objects of others name the person, and no more of them: the rest is about others. */
async function* mentionsOf(deps: DataDeps, tenant: string, names: readonly string[]) {
  const isOwn = (parties: readonly (string | undefined)[]) =>
    parties.some((party) => party !== undefined && names.includes(party))
  async function* of<T extends { id: string }>(
    object: string,
    index: Index<T>,
    partiesOf: (one: Stored<T>) => readonly (string | undefined)[],
  ) {
    for await (const one of pages(deps, index, [tenant]))
      if (!isOwn(partiesOf(one)) && mentions(one, names)) yield { object, id: one.id }
  }
  yield* of('consent', consents.byTenant, ({ subject, grantedBy }) => [subject, grantedBy])
  yield* of('item', items.byTenant, ({ creators }) => creators)
  yield* of('dataset', datasets.byTenant, ({ creators }) => creators)
  yield* of('offer', offers.byTenant, ({ creator }) => [creator])
  yield* of('license', licenses.byTenant, ({ creator, buyer }) => [creator, buyer])
}

async function* pages<T extends { id: string }>(
  { store }: DataDeps,
  index: Index<T>,
  equals: readonly string[],
): AsyncIterable<Stored<T>> {
  let after: string | undefined
  do {
    const page = await store.find(index, { equals, limit: pageSize, after })
    yield* page.items
    after = page.next
    // Reading blocks the thread: others come between two pages.
    await setImmediate()
  } while (after !== undefined)
}

/** A JSON object of `head` and of members that are arrays, in pieces of some kilobytes. */
async function* documentOf(head: object, members: readonly Member[]): AsyncIterable<string> {
  let piece = JSON.stringify(head).slice(0, -1)
  for (const [name, objects] of members) {
    piece += `,${JSON.stringify(name)}:[`
    let comma = ''
    for await (const one of objects) {
      piece += comma + JSON.stringify(one)
      comma = ','
      if (piece.length < pieceSize) continue
      yield piece
      piece = ''
    }
    piece += ']'
  }
  yield `${piece}}`
}
