import { Fault } from '@tallystick/protocol'
import { ensure, expect, increment, insert, remove, replace } from '@tallystick/storage'
import type { Write } from '@tallystick/storage'
import { datasets, exclusivityClaims, exclusivityGuards } from '../collections.ts'
import type { Deps } from '../deps.ts'
import type { Period } from './effective-period.ts'
import type { StoredLicense } from './license-view.ts'
import { overlaps } from './overlap.ts'
import { resolveItems } from './resolve-items.ts'

type ClaimDeps = Pick<Deps, 'store' | 'identity'>

/**
 * The writes by which a license that is being accepted claims its items. Throws Fault `exclusivity_conflict`, naming
 * the license's own items, when the license or one of another buyer over the same item is exclusive and both ever
 * allow the same use in the same place.
 */
export async function claimItems(deps: ClaimDeps, license: StoredLicense, period: Period): Promise<Write[]> {
  const covered = await coverageOf(deps, license)
  // Read before the claims: who claims between the two reads makes the commit start over.
  const guards = await guardWrites(deps, license, new Set(covered.map(({ guard }) => guard)))
  await refuseConflicts(deps, license, period, covered)
  const claim = {
    id: license.id,
    tenant: license.tenant,
    buyer: await buyerOf(deps, license),
    exclusive: license.terms.exclusive,
    over: [...new Set(covered.flatMap(({ over }) => over))],
    terms: license.terms,
    from: period.from,
    ...(period.until && { until: period.until }),
  }
  return [...guards, insert(exclusivityClaims, claim)]
}

/** Throws Fault `exclusivity_conflict` when the license cannot begin beside what others claim. */
export async function requireNoConflict(
  deps: ClaimDeps,
  license: StoredLicense,
  period: Period,
): Promise<void> {
  await refuseConflicts(deps, license, period, await coverageOf(deps, license))
}

/** The writes by which an ending license gives up what it claims; none when it claims nothing. */
export async function releaseItems({ store }: Pick<Deps, 'store'>, license: string): Promise<Write[]> {
  const claim = await store.get(exclusivityClaims, license)
  return claim ? [remove(exclusivityClaims, claim.id, claim.version)] : []
}

/** How one of a license's items meets those of other licenses. */
interface Covered {
  item: string
  /** What is claimed. */
  over: readonly string[]
  /** Claims over any of these are over this item, or over something of this dataset. */
  meets: readonly string[]
  /** Where acceptances that may conflict meet: the dataset, for its items too. */
  guard: string
}

/** The catalog is asked anew each time: a dataset may have been registered after the license that names it. */
async function coverageOf({ store }: ClaimDeps, { tenant, items }: StoredLicense): Promise<Covered[]> {
  const resolved = await resolveItems({ store }, tenant, items)
  const homes = new Set(resolved.flatMap(({ item }) => item?.dataset ?? []))
  const home = new Map<string, string[]>()
  for (const [index, found] of (await store.getMany(datasets, [...homes])).entries()) {
    const id = [...homes][index] ?? ''
    home.set(id, found?.reference === undefined ? [id] : [id, found.reference])
  }
  return resolved.map(({ written, reference, item, dataset }) => {
    const names = [...new Set([reference, written, item?.reference ?? dataset?.reference ?? reference])]
    if (dataset) {
      return { item: written, over: names, meets: [...names, within(dataset.id)], guard: dataset.id }
    }
    const inside = item?.dataset
    if (inside === undefined) return { item: written, over: names, meets: names, guard: reference }
    return {
      item: written,
      over: [...names, within(inside)],
      meets: [...names, ...(home.get(inside) ?? [inside])],
      guard: inside,
    }
  })
}

function within(dataset: string): string {
  return `in:${dataset}`
}

async function refuseConflicts(
  deps: ClaimDeps,
  license: StoredLicense,
  period: Period,
  covered: readonly Covered[],
): Promise<void> {
  const party = await deps.identity.resolveParty(license.tenant, license.buyer)
  const names = new Set([license.buyer, party?.account, party?.reference])
  const extent = { ...period, terms: license.terms }
  const judged = new Map<string, Promise<boolean>>()

  async function isTaken(reference: string): Promise<boolean> {
    const { byItem, byExclusiveItem } = exclusivityClaims
    // Two licenses that are not exclusive never conflict, so the many of a popular dataset need not be read.
    const index = license.terms.exclusive ? byItem : byExclusiveItem
    let after: string | undefined
    do {
      const page = await deps.store.find(index, { equals: [license.tenant, reference], limit: 200, after })
      for (const claim of page.items) {
        if (claim.id !== license.id && !names.has(claim.buyer) && overlaps(extent, claim)) return true
      }
      after = page.next
    } while (after !== undefined)
    return false
  }
  const once = (reference: string) => {
    const known = judged.get(reference) ?? isTaken(reference)
    judged.set(reference, known)
    return known
  }

  const taken: string[] = []
  for (const { item, meets } of covered) {
    const answers = await Promise.all(meets.map(once))
    if (answers.includes(true)) taken.push(item)
  }
  if (taken.length > 0) throw conflictOver(taken)
}

const namedItems = 20

function conflictOver(items: readonly string[]): Fault {
  const more = items.length > namedItems ? ` and ${items.length - namedItems} more` : ''
  const named = items.slice(0, namedItems).join(', ')
  return new Fault('exclusivity_conflict', {
    detail: `An exclusive right stands in the way over ${named}${more}`,
  })
}

/**
 * Two licenses that are not exclusive pass each other: both only count up `shared` and find `exclusive` as they read it.
 * An exclusive one writes `exclusive` and must find `shared` as it read it, so it meets every other.
 */
async function guardWrites(
  { store }: ClaimDeps,
  { tenant, terms }: StoredLicense,
  places: ReadonlySet<string>,
): Promise<Write[]> {
  const ids = (kind: string) => [...places].map((place) => `${tenant} ${kind} ${place}`)
  const guards = async (kind: string) => {
    const wanted = ids(kind)
    const found = await store.getMany(exclusivityGuards, wanted)
    return wanted.map((id, index) => ({ id, found: found[index] }))
  }
  const none = (id: string) => ({ id, tenant, licenses: 0 })
  const exclusive = await guards('exclusive')
  if (!terms.exclusive) {
    return exclusive.flatMap(({ id, found }, index) => [
      ...(found ? [] : [ensure(exclusivityGuards, none(id))]),
      expect(exclusivityGuards, id, found?.version ?? 1),
      ...countUp(none(ids('shared')[index] ?? '')),
    ])
  }
  const shared = await guards('shared')
  return [
    ...exclusive.flatMap(({ id, found }) => {
      const next = { id, tenant, licenses: (found?.licenses ?? 0) + 1 }
      const write = replace(exclusivityGuards, next, found?.version ?? 1)
      return found ? [write] : [ensure(exclusivityGuards, none(id)), write]
    }),
    ...shared.flatMap(({ id, found }) => [
      ...(found ? [] : [ensure(exclusivityGuards, none(id))]),
      expect(exclusivityGuards, id, found?.version ?? 1),
    ]),
  ]
}

/** Ensured first, so that a count is never at version 1, which stands for "nobody yet". */
function countUp(guard: { id: string; tenant: string; licenses: number }): Write[] {
  return [ensure(exclusivityGuards, guard), increment(exclusivityGuards, guard.id, { licenses: 1 })]
}

async function buyerOf({ identity }: ClaimDeps, { tenant, buyer }: StoredLicense): Promise<string> {
  return (await identity.resolveParty(tenant, buyer))?.account ?? buyer
}
