import { Fault } from '@tallystick/protocol'
import type { Write } from '@tallystick/storage'
import type { Deps } from '../deps.ts'
import type { LicenseCharge } from '../links.ts'
import { endLicenseItems } from './end-license-items.ts'
import type { EndedLicense, SucceedingLicense } from './end-license-items.ts'
import type { Subscription } from './find-subscription.ts'
import type { PricesById } from './read-prices.ts'
import { subscribeLicense } from './subscribe-license.ts'

/** What licenses say of their payment, by id; what kept licensing from telling it in their place. */
export type KnownCharges = ReadonlyMap<string, LicenseCharge> | Error

/** A subscription after the licenses of its items were looked at. */
export interface Followed {
  subscription: Subscription
  writes: Write[]
  /** Licenses that have ended, and those that came in their places. */
  ended: string[]
  followed: string[]
}

// What licensing takes at once.
const mostAsked = 1000

/** Asks licensing for all licenses that are charged by some subscriptions of a tenant. */
export async function askLicenses(
  deps: Pick<Deps, 'rights'>,
  tenant: string,
  asked: readonly Subscription[],
): Promise<KnownCharges> {
  const ids = new Set(asked.flatMap((one) => itemsOf(one).flatMap(({ license }) => license ?? [])))
  try {
    return await chargesOf(deps, tenant, [...ids])
  } catch (error) {
    // Only those that charge licenses must wait.
    return error instanceof Error ? error : new Error(String(error))
  }
}

/**
 * Looks at the licenses that a subscription charges, as they were at `until`. One that has ended is charged no further:
 * what was charged ahead for the time after its end is given back. One that was superseded is followed by its amendment
 * where that is paid by usage or subscription, from the moment at which it began.
 */
export async function followLicenses(
  deps: Deps,
  subscription: Subscription,
  { charges, prices, until }: { charges: KnownCharges; prices: PricesById; until: Date },
): Promise<Followed> {
  const none: Followed = { subscription, writes: [], ended: [], followed: [] }
  if (!itemsOf(subscription).some(({ license }) => license !== undefined)) return none
  if (charges instanceof Error) throw charges
  const ends = new Map<string, EndedLicense>()
  const writes: Write[] = []
  for (const { license } of itemsOf(subscription)) {
    if (license === undefined || ends.has(license)) continue
    const ending = await endingOf(deps, subscription, { license, charges, prices, until })
    if (!ending) continue
    ends.set(license, ending)
    writes.push(...ending.writes)
  }
  if (ends.size === 0) return none
  const chained = [...ends.values()].flatMap(({ chain }) => chain)
  return {
    subscription: endLicenseItems(subscription, { ends, prices, until }),
    writes,
    ended: [...ends.keys(), ...chained.flatMap((one) => (one.endsAt ? [one.item.license] : []))],
    followed: chained.map(({ item }) => item.license),
  }
}

async function endingOf(
  deps: Deps,
  subscription: Subscription,
  about: { license: string; charges: ReadonlyMap<string, LicenseCharge>; prices: PricesById; until: Date },
): Promise<(EndedLicense & { writes: Write[] }) | undefined> {
  const { license, charges, prices, until } = about
  const { tenant, currency, customer, id } = subscription
  let charge = charges.get(license)
  if (!charge) throw new Fault('invalid_state', { detail: `Licensing does not tell of ${license} any more` })
  const endsAt = endOf(charge, until)
  if (!endsAt) return undefined
  const chain: SucceedingLicense[] = []
  const writes: Write[] = []
  for (let last: Date | undefined = endsAt; last && charge?.supersededBy !== undefined;) {
    const next: string = charge.supersededBy
    if (itemsOf(subscription).some((item) => item.license === next)) break
    charge = (await chargesOf(deps, tenant, [next])).get(next)
    const caller = { tenant, account: customer }
    const made =
      charge && fits(charge, subscription)
        ? await subscribeLicense(deps, charge, { caller, subscription: id, currency, prices })
        : 'is paid in another way'
    if (!charge || typeof made === 'string') {
      deps.log.warn({ subscription: id, license: next, reason: made }, 'an amended license is not charged')
      break
    }
    const startsAt: Date = last
    last = endOf(charge, until)
    chain.push({ item: made.item, startsAt, ...(last && { endsAt: last }) })
    writes.push(...made.writes)
  }
  return { endsAt, chain, writes }
}

/** Whether an amendment can take the place of the license before within the same periods. */
function fits({ pricing }: LicenseCharge, { interval, intervalCount }: Subscription): boolean {
  if (pricing.model === 'usage') return true
  return pricing.model === 'subscription' && pricing.interval === interval && intervalCount === 1
}

/** When a license ended, where that was by `until`. */
function endOf({ endedAt, effectiveUntil }: LicenseCharge, until: Date): Date | undefined {
  const ends = [endedAt, effectiveUntil].filter((end) => end !== undefined && end <= until)
  return ends.reduce((first, end) => (first && end && first <= end ? first : end), undefined)
}

function itemsOf({ items, pendingChange, status }: Subscription): { license?: string | undefined }[] {
  if (status === 'canceled') return []
  return [...items.filter(({ until }) => until === undefined), ...(pendingChange?.items ?? [])]
}

async function chargesOf(
  { rights }: Pick<Deps, 'rights'>,
  tenant: string,
  ids: readonly string[],
): Promise<Map<string, LicenseCharge>> {
  const charges = new Map<string, LicenseCharge>()
  for (let from = 0; from < ids.length; from += mostAsked) {
    const asked = ids.slice(from, from + mostAsked).map((license) => ({ license }))
    for (const charge of await rights.charges(tenant, asked)) if (charge) charges.set(charge.license, charge)
  }
  return charges
}
