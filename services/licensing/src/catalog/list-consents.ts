import { Fault } from '@tallystick/protocol'
import type { Page, PageInput } from '@tallystick/protocol'
import { listPage } from '@tallystick/runtime'
import type { Caller, PageQuery } from '@tallystick/runtime'
import type { Page as Found } from '@tallystick/storage'
import { consents } from '../collections.ts'
import type { Deps } from '../deps.ts'
import { findMerged } from '../merged-page.ts'
import { consentView } from './consent-view.ts'
import type { Consent, StoredConsent } from './consent-view.ts'
import { findDataset } from './find-dataset.ts'
import { requireItem } from './find-item.ts'
import { ownNames } from './reach.ts'

/** Which consents are asked for: one filter at most. */
export interface ConsentFilter {
  subject?: string | undefined
  /** An item's id or hash. */
  item?: string | undefined
  dataset?: string | undefined
}

type Find = (query: PageQuery) => Promise<Found<StoredConsent>>

const nothing: Find = async () => ({ items: [] })

/** A page of consents, newest first. Others than operators and auditors get their own, and those of their items. */
export async function listConsents(
  deps: Deps,
  caller: Caller,
  input: PageInput & ConsentFilter,
): Promise<Page<Consent>> {
  const given = (['subject', 'item', 'dataset'] as const).filter((name) => input[name] !== undefined)
  if (given.length > 1) {
    const errors = [
      { pointer: `/${given[1]}`, message: `cannot be given with ${given[0]}`, fix: 'Keep one.' },
    ]
    throw new Fault('validation_failed', { errors })
  }
  const find = await finderOf(deps, caller, input)
  const at = deps.now()
  return listPage({ tenant: caller.tenant, url: '/v1/consents' }, input, find, (stored) =>
    consentView(deps.livemode, stored, at),
  )
}

async function finderOf(
  deps: Deps,
  caller: Caller,
  { subject, item, dataset }: ConsentFilter,
): Promise<Find> {
  const { store } = deps
  const { tenant } = caller
  if (item !== undefined || dataset !== undefined) {
    // To buyers the catalogue is open, but not who consented to it.
    if (caller.role === 'developer') return nothing
    return item === undefined ? ofDataset(deps, caller, dataset ?? '') : ofItem(deps, caller, item)
  }
  const names = await ownNames(deps, caller)
  const subjects = subject === undefined ? names : (names ?? [subject]).filter((name) => name === subject)
  if (!subjects) return (query) => store.find(consents.byTenant, { equals: [tenant], ...query })
  const finders = subjects.map(
    (one): Find =>
      (query) =>
        store.find(consents.bySubject, { equals: [tenant, one], ...query }),
  )
  return (query) => findMerged(finders, query)
}

async function ofDataset(deps: Deps, caller: Caller, name: string): Promise<Find> {
  const dataset = await findDataset(deps, caller, name)
  if (!dataset) return nothing
  return (query) => deps.store.find(consents.byDataset, { equals: [caller.tenant, dataset.id], ...query })
}

async function ofItem(deps: Deps, caller: Caller, name: string): Promise<Find> {
  try {
    const { item } = await requireItem(deps, caller, name)
    return (query) => deps.store.find(consents.byItem, { equals: [caller.tenant, item.hash], ...query })
  } catch (error) {
    if (error instanceof Fault && error.code === 'not_found') return nothing
    throw error
  }
}
