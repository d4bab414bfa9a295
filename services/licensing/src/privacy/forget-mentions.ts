import { replace } from '@tallystick/storage'
import type { Collection, Stored } from '@tallystick/storage'
import type { z } from 'zod'
import { consents, datasets, items, licenses, offers, templates } from '../collections.ts'
import { legalHolds, retentionPolicies, subjectRequests } from './collections.ts'
import { held, hiddenSplits, hiddenSteps, holdOnConsent, holdOnItem, whyKept } from './forget.ts'
import type { Fate, ForgetContext } from './forget.ts'
import { mentions, withoutNames } from './mentions.ts'

type StoredOf<C extends { schema: z.ZodType }> = Stored<z.infer<C['schema']>>

/** A consent of somebody else whose reason names the subject. */
export function inConsent(context: ForgetContext, consent: StoredOf<typeof consents>): Fate {
  const hold = holdOnConsent(context, consent)
  return rename(context, consents, consent, ['withdrawalReason'], hold === undefined ? undefined : held(hold))
}

/** An item of somebody else whose metadata name the subject. */
export function inItem(context: ForgetContext, item: StoredOf<typeof items>): Fate {
  const hold = holdOnItem(context, item)
  return rename(context, items, item, ['metadata'], hold === undefined ? undefined : held(hold))
}

/** A dataset of somebody else whose name or metadata name the subject. */
export function inDataset(context: ForgetContext, dataset: StoredOf<typeof datasets>): Fate {
  const hold = context.holds.on('subject', dataset.creators)
  return rename(context, datasets, dataset, ['name', 'metadata'], hold === undefined ? undefined : held(hold))
}

/** An offer of somebody else that shares royalties with the subject, or names it. */
export function inOffer(context: ForgetContext, { version, ...offer }: StoredOf<typeof offers>): Fate {
  if (!namedInTrade(context, offer)) return { writes: [] }
  return { writes: [replace(offers, renamedTrade(context, offer), version)] }
}

/** An agreement of others that shares royalties with the subject, or names it. */
export async function inLicense(
  context: ForgetContext,
  { version, ...license }: StoredOf<typeof licenses>,
): Promise<Fate> {
  const { names } = context
  const inSteps = license.history.some(
    ({ actor, reason }) => names.includes(actor) || mentions(reason, names),
  )
  if (!inSteps && !namedInTrade(context, license)) return { writes: [] }
  const kept = await whyKept(context, license)
  if (kept !== undefined) return { writes: [], kept }
  const renamed = { ...renamedTrade(context, license), history: hiddenSteps(context, license.history) }
  return { writes: [replace(licenses, renamed, version)] }
}

/** A legal text whose name is the subject's; its versions stand by their hash and are kept. */
export function inTemplate(context: ForgetContext, template: StoredOf<typeof templates>): Fate {
  return rename(context, templates, template, ['name'])
}

/** A retention policy whose reason names the subject. */
export function inPolicy(context: ForgetContext, policy: StoredOf<typeof retentionPolicies>): Fate {
  return rename(context, retentionPolicies, policy, ['reason'])
}

/** A hold that was released and names the subject; one that stands is needed as it is. */
export function inHold(context: ForgetContext, hold: StoredOf<typeof legalHolds>): Fate {
  const fate = hold.status === 'active' ? held(hold.id) : undefined
  return rename(context, legalHolds, hold, ['names', 'reason', 'releaseReason'], fate)
}

/** An earlier request about the subject, or by it; one that is still open forgets itself when it is done. */
export function inRequest(
  context: ForgetContext,
  { version, ...request }: StoredOf<typeof subjectRequests>,
): Fate {
  if (request.id === context.request || request.status !== 'completed') return { writes: [] }
  const { subject: _, reason, ...rest } = request
  const isAbout = request.names.some((name) => context.names.includes(name))
  const after = isAbout
    ? { ...rest, names: [], requestedBy: nameless(context, rest.requestedBy) }
    : {
        ...request,
        requestedBy: nameless(context, rest.requestedBy),
        ...(reason !== undefined && { reason: nameless(context, reason) }),
      }
  return { writes: [replace(subjectRequests, after, version)] }
}

function nameless<T>({ names, pseudonym }: ForgetContext, value: T): T {
  return withoutNames(value, names, pseudonym)
}

function freeOf<T extends object, K extends keyof T>(document: T, fields: readonly K[]): T[K][] {
  return fields.map((field) => document[field])
}

/** Puts the pseudonym into these fields, when one of them names the subject and no `fate` keeps the object. */
function rename<T extends { id: string }>(
  context: ForgetContext,
  collection: Collection<T>,
  document: Stored<T>,
  fields: readonly (keyof T)[],
  fate?: Fate,
): Fate {
  if (!mentions(freeOf(document, fields), context.names)) return { writes: [] }
  if (fate) return fate
  const { version, ...rest } = document
  const renamed = Object.fromEntries(
    Object.entries(rest).map(([field, value]) => [
      field,
      fields.some((one) => one === field) ? nameless(context, value) : value,
    ]),
  )
  return { writes: [replace(collection, collection.schema.parse(renamed), version)] }
}

type Traded = Pick<z.infer<(typeof offers)['schema']>, 'royalties' | 'metadata' | 'legalText'>

function namedInTrade({ names }: ForgetContext, { royalties, metadata, legalText }: Traded): boolean {
  return (
    royalties.splits.some(({ party }) => names.includes(party)) ||
    mentions(metadata, names) ||
    mentions(legalText?.variables, names)
  )
}

/** A legal text whose values name the subject goes: without them it is not the one of its hash. */
function renamedTrade<T extends Traded>(
  context: ForgetContext,
  traded: T,
): Omit<T, 'legalText'> & Pick<Traded, 'legalText'> {
  const { legalText, ...rest } = traded
  return {
    ...rest,
    royalties: hiddenSplits(context, traded.royalties),
    metadata: nameless(context, traded.metadata),
    ...(legalText && !mentions(legalText.variables, context.names) && { legalText }),
  }
}
