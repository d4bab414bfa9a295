import { remove, replace } from '@tallystick/storage'
import type { Store, Stored, Write } from '@tallystick/storage'
import type { z } from 'zod'
import { consents, datasets, items, licenses, offers } from '../collections.ts'
import type { ActiveHolds } from './active-holds.ts'
import { withoutNames } from './mentions.ts'
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
  /** The request that is carried out. */
  request: string
  names: readonly string[]
  pseudonym: string
  holds: ActiveHolds
  at: Date
}

type Consent = Stored<z.infer<typeof consents.schema>>
type Item = Stored<z.infer<typeof items.schema>>
type License = Stored<z.infer<typeof licenses.schema>>

/** The consent of the subject goes: without it its use is denied, as it is after a withdrawal. */
export function forgetConsent(context: ForgetContext, consent: Consent): Fate {
  const hold = holdOnConsent(context, consent)
  return hold === undefined ? { writes: [remove(consents, consent.id, consent.version)] } : held(hold)
}

/** The consent that the subject gave for another stays; who gave it does not. */
export function forgetGrant(context: ForgetContext, { version, ...consent }: Consent): Fate {
  const hold = holdOnConsent(context, { version, ...consent })
  if (hold !== undefined) return held(hold)
  return { writes: [replace(consents, { ...consent, grantedBy: context.pseudonym }, version)] }
}

/** The name goes from an item; what it says of the subject goes too when nobody else made it. */
export async function forgetItem(context: ForgetContext, { version, ...item }: Item): Promise<Fate> {
  const hold = holdOnItem(context, item)
  if (hold !== undefined) return held(hold)
  const creators = hidden(context, item.creators)
  if (!isOnlyCreator(context, item.creators))
    return { writes: [replace(items, { ...item, creators }, version)] }
  const { reference, ...rest } = item
  const inForce = reference !== undefined && (await isLicensed(context, reference))
  const erased = { ...rest, creators, metadata: {}, ...(inForce && { reference }) }
  return { writes: [replace(items, erased, version)], ...(inForce && { kept: 'reference_in_force' }) }
}

/** As with an item. */
export async function forgetDataset(
  context: ForgetContext,
  { version, ...dataset }: Stored<z.infer<typeof datasets.schema>>,
): Promise<Fate> {
  const hold = context.holds.on('subject', dataset.creators)
  if (hold !== undefined) return held(hold)
  const creators = hidden(context, dataset.creators)
  if (!isOnlyCreator(context, dataset.creators))
    return { writes: [replace(datasets, { ...dataset, creators }, version)] }
  const { reference, ...rest } = dataset
  const inForce = reference !== undefined && (await isLicensed(context, reference))
  const erased = { ...rest, name: 'Erased', creators, metadata: {}, ...(inForce && { reference }) }
  return { writes: [replace(datasets, erased, version)], ...(inForce && { kept: 'reference_in_force' }) }
}

/** The offer is withdrawn, under the pseudonym. */
export function forgetOffer(
  context: ForgetContext,
  { version, legalText, ...offer }: Stored<z.infer<typeof offers.schema>>,
): Fate {
  const erased = {
    ...offer,
    status: 'withdrawn' as const,
    royalties: hiddenSplits(context, offer.royalties),
    creator: context.pseudonym,
    metadata: {},
    ...textWithoutValues(legalText),
  }
  return { writes: [replace(offers, erased, version)] }
}

/** An agreement that ended goes on under the pseudonym; one that somebody still relies on is kept as it is. */
export async function forgetLicense(
  context: ForgetContext,
  { version, legalText, ...license }: License,
): Promise<Fate> {
  const reason = await whyKept(context, license)
  if (reason !== undefined) return { writes: [], kept: reason }
  const [creator = '', buyer = ''] = hidden(context, [license.creator, license.buyer])
  const erased = {
    ...license,
    creator,
    buyer,
    metadata: {},
    royalties: hiddenSplits(context, license.royalties),
    history: hiddenSteps(context, license.history),
    ...textWithoutValues(legalText),
  }
  return { writes: [replace(licenses, erased, version)] }
}

/** Why an agreement stays as it is, if it does: a hold on it, its items or its parties, or somebody relies on it. */
export async function whyKept(
  { holds, store, at }: ForgetContext,
  license: z.infer<typeof licenses.schema>,
): Promise<string | undefined> {
  const hold =
    holds.on('license', [license.id]) ??
    holds.on('subject', [license.creator, license.buyer]) ??
    holds.on('item', license.items)
  return hold === undefined ? whyRetained(store, license, at) : `legal_hold:${hold}`
}

/** The hold on an item or one of its creators. */
export function holdOnItem(
  { holds }: ForgetContext,
  { hash, creators }: Pick<Item, 'hash' | 'creators'>,
): string | undefined {
  return holds.on('item', [hash]) ?? holds.on('subject', creators)
}

/** The hold on a consent's items, on whose it is or on who gave it. */
export function holdOnConsent(
  { holds }: ForgetContext,
  { subject, grantedBy = subject, items: covered = [] }: Consent,
): string | undefined {
  return holds.on('item', covered) ?? holds.on('subject', [subject, grantedBy])
}

/** The royalty rules with the pseudonym as the party of the subject's split. */
export function hiddenSplits<T extends { splits: { party: string; share: string }[] }>(
  context: ForgetContext,
  rules: T,
): T {
  const splits = rules.splits.map((one) => ({ ...one, party: hidden(context, [one.party])[0] ?? '' }))
  return { ...rules, splits }
}

/** The steps of an agreement without the subject as their actor, without its reasons, and without its name in others'. */
export function hiddenSteps<T extends { actor: string; reason: string }>(
  { names, pseudonym }: ForgetContext,
  steps: readonly T[],
): T[] {
  return steps.map((one) =>
    names.includes(one.actor)
      ? { ...one, actor: pseudonym, reason: 'erased' }
      : { ...one, reason: withoutNames(one.reason, names, pseudonym) },
  )
}

/** The fate of what is on hold. */
export function held(hold: string): Fate {
  return { writes: [], kept: `legal_hold:${hold}` }
}

// The values of a text's variables name the parties, and without them the text is not the one of its hash.
function textWithoutValues<T extends { variables: object }>(text: T | undefined): { legalText?: T } {
  return text && Object.keys(text.variables).length === 0 ? { legalText: text } : {}
}

function isOnlyCreator({ names }: ForgetContext, creators: readonly string[]): boolean {
  return creators.every((creator) => names.includes(creator))
}

function hidden({ names, pseudonym }: ForgetContext, parties: readonly string[]): string[] {
  return parties.map((party) => (names.includes(party) ? pseudonym : party))
}

/** Whether an agreement in force covers what is named so: then the name is needed to tell what it covers. */
async function isLicensed({ store, tenant }: ForgetContext, reference: string): Promise<boolean> {
  for (const status of ['active', 'accepted', 'offered']) {
    const found = await store.find(licenses.byItem, { equals: [tenant, reference, status], limit: 1 })
    if (found.items.length > 0) return true
  }
  return false
}
