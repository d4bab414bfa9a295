import type { Page, PageInput } from '@tallystick/protocol'
import { listPage } from '@tallystick/runtime'
import type { Caller } from '@tallystick/runtime'
import { datasets } from '../collections.ts'
import type { Deps } from '../deps.ts'
import { findMerged } from '../merged-page.ts'
import { namesOf } from '../parties.ts'
import { countItems, datasetView } from './dataset-view.ts'
import type { Dataset } from './dataset-view.ts'

/** A page of datasets, newest first; a creator's key finds its own. */
export async function listDatasets(
  deps: Deps,
  caller: Caller,
  input: PageInput & { creator?: string | undefined },
): Promise<Page<Dataset>> {
  const { tenant } = caller
  const creators = await creatorsToList(deps, caller, input.creator)
  const page = await listPage(
    { tenant, url: '/v1/datasets' },
    input,
    (query) => {
      if (!creators) return deps.store.find(datasets.byTenant, { equals: [tenant], ...query })
      const finders = creators.map(
        (creator) => (asked: typeof query) =>
          deps.store.find(datasets.byCreator, { equals: [tenant, creator], ...asked }),
      )
      return findMerged(finders, query)
    },
    (stored) => stored,
  )
  const counts = await countItems(
    deps,
    page.data.map(({ id }) => id),
  )
  return { ...page, data: page.data.map((one, index) => datasetView(deps.livemode, one, counts[index] ?? 0)) }
}

/**
 * The creators whose objects a list of the catalogue holds, when `asked` is its filter; undefined for everyone's. A
 * creator's key gets no other creator's.
 */
export async function creatorsToList(
  deps: Pick<Deps, 'identity'>,
  caller: Caller,
  asked: string | undefined,
): Promise<readonly string[] | undefined> {
  if (caller.role !== 'creator') return asked === undefined ? undefined : [asked]
  const names = await namesOf(deps, caller)
  return asked === undefined ? names : names.filter((name) => name === asked)
}
