import { customers } from '../customers/collections.ts'
import { timeOf } from '../clocks/time-of.ts'
import type { Deps } from '../deps.ts'
import { endGrant } from './change-grants.ts'
import { creditGrants } from './collections.ts'

/**
 * Ends the grants whose time is over, by the time that holds for their customers. Those of a test clock that is behind
 * hold up no others. Gives how many ended.
 */
export async function expireGrants(deps: Deps, until: Date, batch = 100): Promise<number> {
  let ended = 0
  let after: string | undefined
  do {
    const page = await deps.store.find(creditGrants.expiring, {
      equals: ['open'],
      range: { upTo: until },
      order: 'asc',
      limit: batch,
      after,
    })
    for (const { id } of page.items) ended += await expireGrant(deps, id)
    after = page.next
  } while (after !== undefined)
  return ended
}

/** Ends a grant if its time is over by the time that holds for its customer. Gives how many ended: one or none. */
export async function expireGrant(deps: Deps, id: string): Promise<number> {
  return deps.store.attempt(async () => {
    const grant = await deps.store.get(creditGrants, id)
    const customer = grant && (await deps.store.get(customers, grant.customer))
    const at = await timeOf(deps, customer ?? {})
    if (grant?.status !== 'open' || grant.expiresAt === undefined || grant.expiresAt > at) return 0
    const { writes } = endGrant(deps, grant, { status: 'expired', actor: 'system', at })
    await deps.store.commit([...writes])
    return 1
  })
}
