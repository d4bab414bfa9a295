import { replace } from '@tallystick/storage'
import type { Stored, Write } from '@tallystick/storage'
import type { z } from 'zod'
import type { Deps } from '../deps.ts'
import { creditGrants } from './collections.ts'

/** A grant as it is stored. */
export type Grant = Stored<z.infer<typeof creditGrants.schema>>

/** What a draw takes from which grants. */
export interface Draw {
  total: bigint
  parts: { grant: string; amount: bigint }[]
  writes: Write[]
}

/**
 * Plans to draw up to `wanted` minor units from a customer's open grants: by priority, then by expiry, then by age.
 * Every write names the version that was read, so a grant that somebody else has drawn meanwhile refuses the commit
 * and the draw is planned again. Draws nothing where there is nothing. One draw of a customer fits into a commit.
 */
export async function planDraw(
  deps: Pick<Deps, 'store'>,
  { tenant, customer, currency }: { tenant: string; customer: string; currency: string },
  wanted: bigint,
  at: Date,
): Promise<Draw> {
  const draw: Draw = { total: 0n, parts: [], writes: [] }
  if (wanted <= 0n) return draw
  const usable = (await openGrants(deps, tenant, customer)).filter(
    (grant) => grant.currency === currency && (grant.expiresAt === undefined || grant.expiresAt > at),
  )
  for (const { version, ...grant } of usable.toSorted(inDrawingOrder)) {
    const { id, remaining } = grant
    const left = wanted - draw.total
    if (left === 0n) break
    const amount = remaining < left ? remaining : left
    if (amount === 0n) continue
    draw.total += amount
    draw.parts.push({ grant: id, amount })
    draw.writes.push(replace(creditGrants, { ...grant, remaining: remaining - amount }, version))
  }
  return draw
}

/** The open grants of a customer; few, since drawn grants are left behind by their expiry or by being voided. */
export async function openGrants(
  { store }: Pick<Deps, 'store'>,
  tenant: string,
  customer: string,
): Promise<Grant[]> {
  const grants: Grant[] = []
  for await (const grant of store.scan(creditGrants.byCustomer, { equals: [tenant, customer, 'open'] })) {
    grants.push(grant)
  }
  return grants
}

function inDrawingOrder(a: Grant, b: Grant): number {
  const expiry = (grant: Grant) => grant.expiresAt?.getTime() ?? Number.MAX_SAFE_INTEGER
  return (
    a.priority - b.priority ||
    expiry(a) - expiry(b) ||
    a.createdAt.getTime() - b.createdAt.getTime() ||
    (a.id < b.id ? -1 : 1)
  )
}
