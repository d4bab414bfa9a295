import type { UsageQuestion, UsageRight } from '@tallystick/protocol'
import type { Store } from '@tallystick/storage'
import { licenses } from '../collections.ts'
import type { Deps } from '../deps.ts'
import { namesOfActor } from './decide-items.ts'
import { policyFor } from './decide.ts'
import { gatherFacts } from './gather-facts.ts'
import type { GatheredFacts } from './gather-facts.ts'
import type { LicenseFacts } from './policy-facts.ts'

/**
 * Whether each reported use was allowed, in order; no event is made of the asking. Every agreement that a report names
 * must be the actor's and permit the use on its own, and every item must be permitted; a report of neither is denied.
 */
export async function decideForUsage(
  deps: Pick<Deps, 'store' | 'identity'>,
  tenant: string,
  questions: readonly UsageQuestion[],
): Promise<UsageRight[]> {
  const answers: UsageRight[] = []
  const byActor = Map.groupBy(questions.entries(), ([, { actor }]) => actor)
  for (const [actor, asked] of byActor) {
    const actorNames = await namesOfActor(deps, tenant, actor)
    const named = await namedLicenses(deps.store, { tenant, actorNames, asked: asked.map(([, one]) => one) })
    // Who names its agreements needs no others, and an actor may have more of an item than are ever read.
    for (const naming of [true, false]) {
      const alike = asked.filter(([, question]) => question.licenses.length > 0 === naming)
      if (alike.length === 0) continue
      const hashes = [...new Set(alike.flatMap(([, { items }]) => items))]
      const licenses = naming ? [...named.keys()] : undefined
      const facts = await gatherFacts(deps.store, { tenant, actorNames, hashes, licenses })
      const factsOf = new Map(facts.map((one) => [one.hash, one]))
      for (const [place, question] of alike) answers[place] = judge(question, named, factsOf)
    }
  }
  return answers
}

interface Naming {
  tenant: string
  actorNames: readonly string[]
  asked: readonly UsageQuestion[]
}

async function namedLicenses(
  store: Store,
  { tenant, actorNames, asked }: Naming,
): Promise<Map<string, LicenseFacts>> {
  const ids = [...new Set(asked.flatMap((question) => question.licenses))]
  const found = await store.getMany(licenses, ids)
  return new Map(
    found.flatMap((license) => {
      const isTheirs = license?.tenant === tenant && actorNames.includes(license.buyer)
      return isTheirs && license.status !== 'draft' ? [[license.id, license]] : []
    }),
  )
}

function judge(
  question: UsageQuestion,
  named: ReadonlyMap<string, LicenseFacts>,
  factsOf: ReadonlyMap<string, GatheredFacts>,
): UsageRight {
  const { purpose, region, model_id, at, items, licenses: relied } = question
  const policy = policyFor({ purpose, region, modelId: model_id, at: new Date(at) })
  if (items.length + relied.length === 0) return denied('license_missing')
  for (const id of relied) {
    const license = named.get(id)
    if (!license) return denied('license_missing', id)
    const { permits, clauses } = policy.judge(license)
    if (!permits) return denied(clauses[0]?.code ?? 'license_missing', id)
  }
  for (const hash of items) {
    const facts = factsOf.get(hash)
    if (!facts) return denied('item_unknown', hash)
    const covering = facts.licenses.filter(({ id }) => relied.length === 0 || relied.includes(id))
    const { decision, reason } = policy.decide({ ...facts, licenses: covering })
    if (decision === 'deny') return denied(reason, hash)
  }
  return { decision: 'permit', reason: 'license_active' }
}

function denied(reason: string, source?: string): UsageRight {
  return { decision: 'deny', reason, ...(source !== undefined && { source }) }
}
