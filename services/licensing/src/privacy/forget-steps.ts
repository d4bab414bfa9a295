import { setImmediate } from 'node:timers/promises'
import type { Index, Page, Stored, Write } from '@tallystick/storage'
import { consents, datasets, items, licenses, offers, templates } from '../collections.ts'
import { legalHolds, retentionPolicies, subjectRequests } from './collections.ts'
import {
  forgetConsent,
  forgetDataset,
  forgetGrant,
  forgetItem,
  forgetLicense,
  forgetOffer,
} from './forget.ts'
import type { Fate, ForgetContext } from './forget.ts'
import * as mentioned from './forget-mentions.ts'
import { mentions } from './mentions.ts'

/** One page of the objects of one kind that name the subject. */
export interface ForgottenPage {
  writes: Write[]
  erased: string[]
  kept: { object: string; id: string; reason: string }[]
  next?: string | undefined
}

/** One kind of place where the subject may stand. */
export interface ForgetStep {
  object: string
  /** Found by an index for each name of the subject; else all of the tenant's objects are looked through, once. */
  indexed: boolean
  page(context: ForgetContext, name: string, after: string | undefined): Promise<ForgottenPage>
}

const pageSize = 100
// As many as are read between two commits, and how many of them at once.
const pagesAtOnce = 20
const sweepSize = 500

/**
 * The places of a subject in the order in which they are emptied: first its own objects, by index; then all others of the
 * tenant, where its name may stand in metadata, reasons, splits and the values of legal texts.
 */
export const forgetSteps: readonly ForgetStep[] = [
  own('consent', consents.bySubject, forgetConsent),
  own('consent', consents.byGrantor, forgetGrant),
  own('item', items.byCreator, forgetItem),
  own('dataset', datasets.byCreator, forgetDataset),
  own('offer', offers.byCreator, forgetOffer),
  own('license', licenses.byCreator, forgetLicense),
  own('license', licenses.byBuyer, forgetLicense),
  sweep('consent', consents.byTenant, mentioned.inConsent, (one) => [one.subject, one.grantedBy]),
  sweep('item', items.byTenant, mentioned.inItem, (one) => one.creators),
  sweep('dataset', datasets.byTenant, mentioned.inDataset, (one) => one.creators),
  sweep('offer', offers.byTenant, mentioned.inOffer, (one) => [one.creator]),
  sweep('license', licenses.byTenant, mentioned.inLicense, (one) => [one.creator, one.buyer]),
  sweep('template', templates.byTenant, mentioned.inTemplate),
  sweep('retention_policy', retentionPolicies.byTenant, mentioned.inPolicy),
  sweep('legal_hold', legalHolds.byTenant, mentioned.inHold),
  sweep('data_subject_request', subjectRequests.byTenant, mentioned.inRequest),
]

type Forget<T> = (context: ForgetContext, found: Stored<T>) => Fate | Promise<Fate>

function own<T extends { id: string }>(object: string, index: Index<T>, forget: Forget<T>): ForgetStep {
  return {
    object,
    indexed: true,
    async page(context, name, after) {
      const found = await context.store.find(index, {
        equals: [context.tenant, name],
        limit: pageSize,
        after,
      })
      return forgetAll(object, context, found, forget)
    },
  }
}

/** `owners` are those whose own object it is: what is the subject's own still, its own step has kept and told. */
function sweep<T extends { id: string }>(
  object: string,
  index: Index<T>,
  forget: Forget<T>,
  owners: (one: T) => readonly (string | undefined)[] = () => [],
): ForgetStep {
  return {
    object,
    indexed: false,
    async page(context, _name, after) {
      const { store, tenant, names } = context
      let place = after
      for (let count = 0; count < pagesAtOnce; count++) {
        const found = await store.find(index, { equals: [tenant], limit: sweepSize, after: place })
        const isOwn = (one: T) => owners(one).some((owner) => owner !== undefined && names.includes(owner))
        const naming = found.items.filter((one) => mentions(one, names) && !isOwn(one))
        const page = await forgetAll(object, context, { ...found, items: naming }, forget)
        if (page.writes.length + page.kept.length > 0 || page.next === undefined) return page
        place = page.next
        // Reading blocks the thread: others come between two pages.
        await setImmediate()
      }
      return { writes: [], erased: [], kept: [], next: place }
    },
  }
}

async function forgetAll<T extends { id: string }>(
  object: string,
  context: ForgetContext,
  found: Page<T>,
  forget: Forget<T>,
): Promise<ForgottenPage> {
  const page: ForgottenPage = { writes: [], erased: [], kept: [], next: found.next }
  for (const one of found.items) {
    const { writes, kept } = await forget(context, one)
    page.writes.push(...writes)
    if (writes.length > 0) page.erased.push(one.id)
    if (kept !== undefined) page.kept.push({ object, id: one.id, reason: kept })
  }
  return page
}
