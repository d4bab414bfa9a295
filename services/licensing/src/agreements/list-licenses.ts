import { licenseStatus } from '@tallystick/protocol'
import type { License, LicenseStatus, Page, PageInput } from '@tallystick/protocol'
import { listPage } from '@tallystick/runtime'
import type { Caller } from '@tallystick/runtime'
import type { Index, Scalar } from '@tallystick/storage'
import { licenses } from '../collections.ts'
import type { Deps } from '../deps.ts'
import { namesOf } from '../parties.ts'
import { sideOf } from './find-license.ts'
import { findFiltered } from './find-filtered.ts'
import type { Selected } from './find-filtered.ts'
import { licenseView } from './license-view.ts'
import type { StoredLicense } from './license-view.ts'
import { resolveItems } from './resolve-items.ts'

/** By what a list of agreements is narrowed; all that is given must hold. */
export interface LicenseFilters {
  status?: LicenseStatus | undefined
  buyer_id?: string | undefined
  creator_id?: string | undefined
  item?: string | undefined
}

/** A page of the agreements that the caller may see, newest first. */
export async function listLicenses(
  deps: Pick<Deps, 'store' | 'identity' | 'livemode'>,
  caller: Caller,
  input: PageInput & LicenseFilters,
): Promise<Page<License>> {
  const { tenant, role } = caller
  const names = await namesOf(deps, caller)
  const buyers = await partyNames(deps, tenant, input.buyer_id)
  const creators = await partyNames(deps, tenant, input.creator_id)
  const items = input.item === undefined ? undefined : await itemNames(deps, tenant, input.item)
  const { status } = input
  const selections = selectionsOf(tenant, {
    status,
    items,
    buyers: buyers ?? (role === 'developer' ? names : undefined),
    creators: creators ?? (role === 'creator' ? names : undefined),
  })
  const matches = (license: StoredLicense) =>
    sideOf(caller, names, license) !== undefined &&
    (status === undefined || license.status === status) &&
    (!buyers || buyers.includes(license.buyer)) &&
    (!creators || creators.includes(license.creator)) &&
    (!items || license.items.some((item) => items.includes(item)))
  return listPage(
    { tenant, url: '/v1/licenses' },
    input,
    (query) => findFiltered(deps.store, selections, matches, query),
    (license) => licenseView(deps, license),
  )
}

/** Every selection orders by time; one of them, or several side by side, holds all that can match. */
function selectionsOf(
  tenant: string,
  filters: {
    status: LicenseStatus | undefined
    items: readonly string[] | undefined
    buyers: readonly string[] | undefined
    creators: readonly string[] | undefined
  },
): Selected<StoredLicense>[] {
  const { status, items, buyers, creators } = filters
  const statuses = status === undefined ? licenseStatus.options : [status]
  const from = (index: Index<StoredLicense>, ...equals: Scalar[]) => ({ index, equals: [tenant, ...equals] })
  if (items) {
    return items.flatMap((item) => statuses.map((one) => from(licenses.byItem, item, one)))
  }
  if (buyers && status !== undefined) {
    return buyers.map((buyer) => from(licenses.byBuyerAndStatus, buyer, status))
  }
  if (buyers) return buyers.map((buyer) => from(licenses.byBuyer, buyer))
  if (creators) return creators.map((creator) => from(licenses.byCreator, creator))
  return status === undefined ? [from(licenses.byTenant)] : [from(licenses.byStatus, status)]
}

/** All names of the party that a filter names. */
async function partyNames(
  { identity }: Pick<Deps, 'identity'>,
  tenant: string,
  written: string | undefined,
): Promise<readonly string[] | undefined> {
  if (written === undefined) return undefined
  const party = await identity.resolveParty(tenant, written)
  const names = [written, party?.account, party?.reference].filter((name) => name !== undefined)
  return [...new Set(names)]
}

/** The names under which licenses hold an item or a dataset. */
export async function itemNames(
  { store }: Pick<Deps, 'store'>,
  tenant: string,
  written: string,
): Promise<readonly string[]> {
  const [found] = await resolveItems({ store }, tenant, [written])
  const { reference = written, item, dataset } = found ?? {}
  const own = item?.reference ?? dataset?.reference
  return [...new Set([reference, written, ...(own === undefined ? [] : [own])])]
}
