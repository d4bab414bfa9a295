import { Fault } from '@tallystick/protocol'
import type { Store, Stored } from '@tallystick/storage'
import type { z } from 'zod'
import { licenses } from '../collections.ts'
import type { Question } from './question.ts'

type StoredLicense = Stored<z.infer<typeof licenses.schema>>

/** A question with the names of each item. */
interface Coverage extends Question {
  /** For each item the names under which agreements may cover it. */
  references: readonly (readonly string[])[]
}

// Reading all agreements of a buyer beats looking each name up, as long as there are few against many names.
const readAllUpTo = 500
const namesPerLicense = 4
const perName = 200
const looksAtOnce = 256

/**
 * The actor's agreements that cover each item, whatever their status; drafts are left out, since their buyer does not
 * see them. Throws Fault `validation_failed` when more than 200 agreements cover one name: then the request must name
 * those that it relies on.
 */
export async function coveringLicenses(store: Store, coverage: Coverage): Promise<StoredLicense[][]> {
  const wanted = new Set(coverage.references.flat())
  const candidates = await candidateLicenses(store, coverage, wanted)
  const covering = new Map<string, StoredLicense[]>()
  for (const license of candidates.values()) {
    if (license.status === 'draft') continue
    for (const name of license.items) {
      if (!wanted.has(name)) continue
      const known = covering.get(name)
      if (!known) covering.set(name, [license])
      else if (known.at(-1) !== license) known.push(license)
    }
  }
  return coverage.references.map((names) => {
    const lists = names.flatMap((name) => covering.get(name) ?? [])
    return lists.length > 1 ? [...new Set(lists)] : lists
  })
}

async function candidateLicenses(
  store: Store,
  { tenant, actorNames, licenses: named }: Coverage,
  wanted: ReadonlySet<string>,
): Promise<Map<string, StoredLicense>> {
  const found = new Map<string, StoredLicense>()
  const keep = (license: StoredLicense) => void found.set(license.id, license)
  if (named) {
    for (const license of await store.getMany(licenses, [...new Set(named)])) {
      if (license?.tenant === tenant && actorNames.includes(license.buyer)) keep(license)
    }
    return found
  }
  for (const buyer of actorNames) {
    const equals = [tenant, buyer]
    const atMost = Math.min(readAllUpTo, Math.floor(wanted.size / namesPerLicense)) + 1
    const few = atMost > 1 && (await store.count(licenses.byBuyer, { equals }, { atMost })) < atMost
    if (few) for await (const license of store.scan(licenses.byBuyer, { equals })) keep(license)
    else await lookUpNames(store, equals, [...wanted], keep)
  }
  return found
}

async function lookUpNames(
  store: Store,
  equals: readonly string[],
  names: readonly string[],
  keep: (license: StoredLicense) => void,
): Promise<void> {
  for (let at = 0; at < names.length; at += looksAtOnce) {
    const finds = names
      .slice(at, at + looksAtOnce)
      .map((name) => store.find(licenses.byBuyerAndItem, { equals: [...equals, name], limit: perName }))
    for (const { items, next } of await Promise.all(finds)) {
      if (next !== undefined) throw tooMany()
      for (const license of items) keep(license)
    }
  }
}

function tooMany(): Fault {
  const message = `is needed: more than ${perName} agreements of the actor cover one item`
  const fix = 'Name the agreements that the use relies on.'
  return new Fault('validation_failed', { errors: [{ pointer: '/licenses', message, fix }] })
}
