import type { DecisionInput, ItemDecision } from '@tallystick/protocol'
import type { Deps } from '../deps.ts'
import { addOffers } from './add-offers.ts'
import { lacksLicense, policyFor } from './decide.ts'
import { gatherFacts } from './gather-facts.ts'
import type { GatheredFacts } from './gather-facts.ts'

type Question = Pick<DecisionInput, 'items' | 'purpose' | 'region' | 'model_id' | 'licenses'> & {
  actorNames: readonly string[]
  at: Date
  /** As in `Use`. */
  now: boolean
}

/** The decision about each item, in the order asked; open offers are looked for only where an agreement is missing. */
export async function decideItems(
  { store }: Pick<Deps, 'store'>,
  tenant: string,
  { items, purpose, region, model_id, licenses, actorNames, at, now }: Question,
): Promise<ItemDecision[]> {
  const hashes = [...new Set(items)]
  const policy = policyFor({ purpose, region, modelId: model_id, at, now })
  const facts = await gatherFacts(store, { tenant, actorNames, hashes, licenses })
  const decided = new Map<string, ItemDecision>()
  const unlicensed: GatheredFacts[] = []
  for (const one of facts) {
    const decision = policy.decide(one)
    decided.set(one.hash, decision)
    if (lacksLicense(decision)) unlicensed.push(one)
  }
  for (const one of unlicensed.length > 0 ? await addOffers(store, tenant, unlicensed) : []) {
    if (one.offers.length > 0) decided.set(one.hash, policy.decide(one))
  }
  return items.flatMap((hash) => decided.get(hash) ?? [])
}

/** Every name by which agreements may call the actor. */
export async function namesOfActor(
  { identity }: Pick<Deps, 'identity'>,
  tenant: string,
  actor: string,
): Promise<string[]> {
  const party = await identity.resolveParty(tenant, actor)
  return [...new Set([actor, party?.account ?? actor, party?.reference ?? actor])]
}
