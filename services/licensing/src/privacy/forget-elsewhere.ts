import type { Store } from '@tallystick/storage'
import { licenses } from '../collections.ts'
import type { Deps } from '../deps.ts'
import type { StoredRequest } from './subject-requests.ts'

/**
 * Has the other services forget the person, and adds to what was erased and kept. Asked again after a crash it comes to
 * the same. While an agreement is kept the account stays as it is: it says who the party of the agreement is.
 */
export async function forgetElsewhere(
  { store, elsewhere = [], identity }: Pick<Deps, 'store' | 'elsewhere' | 'identity'>,
  request: StoredRequest,
): Promise<Pick<StoredRequest, 'erased' | 'kept' | 'keptCount'>> {
  const { tenant, names, pseudonym, subject = '' } = request
  const erased = { ...request.erased }
  const kept = [...request.kept]
  const relied = kept.some(({ object }) => object === 'license') || (await hasAgreement(store, request))
  for (const service of elsewhere) {
    if (service.holds === 'accounts' && relied) continue
    const told = await service.forget(tenant, { names, pseudonym })
    for (const { object } of told.erased) erased[object] = (erased[object] ?? 0) + 1
    kept.push(...told.kept)
  }
  const asked = elsewhere.some(({ holds }) => holds === 'accounts')
  if (relied || !asked) {
    const account = (await identity.resolveParty(tenant, subject))?.account
    const reason = relied ? 'party_of_kept_agreement' : 'kept_by_identity'
    if (account !== undefined) kept.push({ object: 'account', id: account, reason })
  }
  return { erased, kept, keptCount: request.keptCount + kept.length - request.kept.length }
}

/** Whether an agreement is the subject's still; the list of what was kept may have been too short to tell. */
async function hasAgreement(store: Store, { tenant, names }: StoredRequest): Promise<boolean> {
  for (const name of names)
    for (const index of [licenses.byCreator, licenses.byBuyer])
      if ((await store.find(index, { equals: [tenant, name], limit: 1 })).items.length > 0) return true
  return false
}
