import { Fault } from '@tallystick/protocol'
import type { Index, Store, Stored } from '@tallystick/storage'
import { licenseView } from '../agreements/license-view.ts'
import { consentView } from '../catalog/consent-view.ts'
import { consents, datasets, items, licenses, offers } from '../collections.ts'
import type { Deps } from '../deps.ts'
import type { StoredRequest } from './subject-requests.ts'

/** All that is known here of a person, as one JSON document (GDPR, articles 15 and 20). */
export async function subjectData(
  deps: Pick<Deps, 'store' | 'livemode' | 'now'>,
  request: StoredRequest,
): Promise<Record<string, unknown>> {
  const { type, tenant, names, subject } = request
  if (type !== 'export')
    throw new Fault('invalid_state', { detail: 'The request is an erasure; there is nothing to hand out' })
  const at = deps.now()
  const all = <T extends { id: string }>(index: Index<T>) => gather(deps.store, index, tenant, names)
  const agreements = [...(await all(licenses.byCreator)), ...(await all(licenses.byBuyer))]
  return {
    object: 'subject_data',
    livemode: deps.livemode,
    request: request.id,
    subject,
    names,
    generated_at: at.toISOString(),
    consents: (await all(consents.bySubject)).map((one) => consentView(deps.livemode, one, at)),
    items: (await all(items.byCreator)).map(plain),
    datasets: (await all(datasets.byCreator)).map(plain),
    offers: (await all(offers.byCreator)).map(plain),
    licenses: [...new Map(agreements.map((one) => [one.id, one])).values()].map((one) =>
      licenseView(deps, one),
    ),
  }
}

async function gather<T extends { id: string }>(
  store: Store,
  index: Index<T>,
  tenant: string,
  names: readonly string[],
): Promise<Stored<T>[]> {
  const found = new Map<string, Stored<T>>()
  for (const name of names) {
    for await (const one of store.scan(index, { equals: [tenant, name] })) found.set(one.id, one)
  }
  return [...found.values()]
}

function plain<T extends { tenant: string; version: number }>(stored: T) {
  const { tenant: _, version: __, ...rest } = stored
  return rest
}
