import type { Store } from '@tallystick/storage'
import { offers } from '../collections.ts'
import type { GatheredFacts } from './gather-facts.ts'
import type { OfferFacts } from './policy-facts.ts'

/** Open offers that are looked at for each name of an item, newest first. */
const perName = 20
const looksAtOnce = 256

/** The facts with the open offers that cover each item. */
export async function addOffers(
  store: Store,
  tenant: string,
  facts: readonly GatheredFacts[],
): Promise<GatheredFacts[]> {
  const names = [...new Set(facts.flatMap(({ references }) => references))]
  const covering = new Map<string, OfferFacts[]>()
  for (let at = 0; at < names.length; at += looksAtOnce) {
    const some = names.slice(at, at + looksAtOnce)
    const pages = await Promise.all(
      some.map((name) =>
        store.find(offers.byItem, { equals: [tenant, name, 'open'], order: 'desc', limit: perName }),
      ),
    )
    for (const [place, { items }] of pages.entries()) covering.set(some[place] ?? '', items)
  }
  return facts.map((one) => ({
    ...one,
    offers: [...new Set(one.references.flatMap((name) => covering.get(name) ?? []))],
  }))
}
