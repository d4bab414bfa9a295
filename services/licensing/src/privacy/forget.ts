import { remove, replace } from '@tallystick/storage'
import type { Index, Store, Stored, Write } from '@tallystick/storage'
import type { z } from 'zod'
import { consents, datasets, items, licenses, offers } from '../collections.ts'
import type { ActiveHolds } from './active-holds.ts'
import { whyRetained } from './why-retained.ts'

/** What becomes of one object: writes, why it is kept if it is, or both when a part of it is kept. */
export interface Fate {
  writes: Write[]
  kept?: string
}

/** What the fate of an object depends on. */
export interface ForgetContext {
  store: Store
  tenant: string
  names: readonly string[]
  pseudonym: string
  holds: ActiveHolds
  at: Date
}

/** One page of the objects of one kind that call the subject by `name`. */
export interface ForgottenPage {
  writes: Write[]
  erased: string[]
  kept: { object: string; id: string; reason: string }[]
  next?: string | undefined
}

const pageSize = 100

/** The kinds of objects of a subject in the order in which they are erased. */
export const forgetSteps = [
  step('consent', consents.bySubject, forgetConsent),
  step('item', items.byCreator, forgetItem),
  step('dataset', datasets.byCreator, forgetDataset),
  step('offer', offers.byCreator, forgetOffer),
  step('license', licenses.byCreator, forgetLicense),
  step('license', licenses.byBuyer, forgetLicense),
]

function step<T extends { id: string }>(
  object: string,
  index: Index<T>,
  forget: (context: ForgetContext, found: Stored<T>) => Fate | Promise<Fate>,
) {
  return {
    object,
    async page(context: ForgetContext, name: string, after: string | undefined): Promise<ForgottenPage> {
      const found = await context.store.find(index, {
        equals: [context.tenant, name],
        limit: pageSize,
        after,
      })
      const page: ForgottenPage = { writes: [], erased: [], kept: [], next: found.next }
      for (const one of found.items) {
        const { writes, kept } = await forget(context, one)
        page.writes.push(...writes)
        if (writes.length > 0) page.erased.push(one.id)
        if (kept !== undefined) page.kept.push({ object, id: one.id, reason: kept })
      }
      return page
    },
  }
}

function forgetConsent({ holds }: ForgetContext, consent: Stored<z.infer<typeof consents.schema>>): Fate {
  const hold = holds.on('item', consent.items ?? [])
  // Without the consent its use is denied, as it is after a withdrawal.
  return hold === undefined ? { writes: [remove(consents, consent.id, consent.version)] } : held(hold)
}

async function forgetItem(
  context: ForgetContext,
  { version, ...item }: Stored<z.infer<typeof items.schema>>,
): Promise<Fate> {
  const hold = context.holds.on('item', [item.hash])
  if (hold !== undefined) return held(hold)
  const creators = hidden(context, item.creators)
  if (!isOnlyCreator(context, item.creators))
    return { writes: [replace(items, { ...item, creators }, version)] }
  const { reference, ...rest } = item
  const inForce = reference !== undefined && (await isLicensed(context, reference))
  const erased = { ...rest, creators, metadata: {}, ...(inForce && { reference }) }
  return { writes: [replace(items, erased, version)], ...(inForce && { kept: 'reference_in_force' }) }
}

async function forgetDataset(
  context: ForgetContext,
  { version, ...dataset }: Stored<z.infer<typeof datasets.schema>>,
): Promise<Fate> {
  const creators = hidden(context, dataset.creators)
  if (!isOnlyCreator(context, dataset.creators))
    return { writes: [replace(datasets, { ...dataset, creators }, version)] }
  const { reference, ...rest } = dataset
  const inForce = reference !== undefined && (await isLicensed(context, reference))
  const erased = { ...rest, name: 'Erased', creators, metadata: {}, ...(inForce && { reference }) }
  return { writes: [replace(datasets, erased, version)], ...(inForce && { kept: 'reference_in_force' }) }
}

function forgetOffer(
  context: ForgetContext,
  { version, ...offer }: Stored<z.infer<typeof offers.schema>>,
): Fate {
  const status = 'withdrawn' as const
  const royalties = hiddenSplits(context, offer.royalties)
  const erased = { ...offer, status, royalties, creator: context.pseudonym, metadata: {} }
  return { writes: [replace(offers, erased, version)] }
}

async function forgetLicense(
  context: ForgetContext,
  { version, ...license }: Stored<z.infer<typeof licenses.schema>>,
): Promise<Fate> {
  const hold = context.holds.on('license', [license.id]) ?? context.holds.on('item', license.items)
  if (hold !== undefined) return held(hold)
  const reason = await whyRetained(context.store, license, context.at)
  if (reason !== undefined) return { writes: [], kept: reason }
  const [creator = '', buyer = ''] = hidden(context, [license.creator, license.buyer])
  const erased = {
    ...license,
    creator,
    buyer,
    metadata: {},
    royalties: hiddenSplits(context, license.royalties),
    history: license.history.map((one) => ({ ...one, actor: hidden(context, [one.actor])[0] ?? '' })),
  }
  return { writes: [replace(licenses, erased, version)] }
}

function held(hold: string): Fate {
  return { writes: [], kept: `legal_hold:${hold}` }
}

function isOnlyCreator({ names }: ForgetContext, creators: readonly string[]): boolean {
  return creators.every((creator) => names.includes(creator))
}

function hidden({ names, pseudonym }: ForgetContext, parties: readonly string[]): string[] {
  return parties.map((party) => (names.includes(party) ? pseudonym : party))
}

function hiddenSplits<T extends { splits: { party: string; share: string }[] }>(
  context: ForgetContext,
  rules: T,
): T {
  const splits = rules.splits.map((one) => ({ ...one, party: hidden(context, [one.party])[0] ?? '' }))
  return { ...rules, splits }
}

/** Whether an agreement in force covers what is named so: then the name is needed to tell what it covers. */
async function isLicensed({ store, tenant }: ForgetContext, reference: string): Promise<boolean> {
  for (const status of ['active', 'accepted', 'offered']) {
    const found = await store.find(licenses.byItem, { equals: [tenant, reference, status], limit: 1 })
    if (found.items.length > 0) return true
  }
  return false
}
