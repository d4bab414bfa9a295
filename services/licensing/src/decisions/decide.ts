import { purpose as purposes } from '@tallystick/protocol'
import type { ItemDecision } from '@tallystick/protocol'
import { isRegion } from '../agreements/regions.ts'
import { clauseOf } from './clauses.ts'
import type { Clause } from './clauses.ts'
import { judgeConsent } from './judge-consent.ts'
import type { ConsentVerdict } from './judge-consent.ts'
import { judgeLicense, offerPermits } from './judge-license.ts'
import type { LicenseVerdict } from './judge-license.ts'
import type { ConsentFacts, ItemFacts, LicenseFacts, OfferFacts, Use } from './policy-facts.ts'

/** The decision about any item for one use. What it judged once it does not judge again. */
export interface Policy {
  decide(facts: ItemFacts): ItemDecision
  /** Whether an agreement permits the use on its own, for whatever it covers. */
  judge(license: LicenseFacts): LicenseVerdict
}

/** Offers that a denied item names at most. */
const offersNamed = 10

/** Agreements, and consents, that the trace of a denied item names at most: a buyer may have hundreds that have ended. */
const causesNamed = 10

/**
 * The policy for one use. Each stage can only deny, in this order: purpose, item, prohibitions, consent;
 * then one agreement must permit on its own. The same facts in any order give the same decision and trace.
 */
export function policyFor(asked: Use): Policy {
  const { region } = asked
  const use = { ...asked, region: region !== undefined && isRegion(region) ? region : undefined }
  const judges: Judges = {
    consent: remembered((consent: ConsentFacts) => judgeConsent(use, consent)),
    license: remembered((license: LicenseFacts) => judgeLicense(use, license)),
    offer: remembered((offer: OfferFacts) => offerPermits(use, offer)),
  }
  const known = purposes.options.some((one) => one === use.purpose)
  return {
    decide: (facts) => (known ? decideKnown(use, judges, facts) : deny(facts, [unknownPurpose])),
    judge: judges.license,
  }
}

/** Whether nothing but an agreement is missing, so that offers are worth looking for. */
export function lacksLicense({ decision, trace }: ItemDecision): boolean {
  return decision === 'deny' && trace[0]?.code === 'not_prohibited' && trace[1]?.result !== 'deny'
}

interface Judges {
  consent(consent: ConsentFacts): ConsentVerdict
  license(license: LicenseFacts): LicenseVerdict
  offer(offer: OfferFacts): boolean
}

const unknownPurpose = clauseOf('purpose_unknown')
const unknownItem = clauseOf('item_unknown')
const notProhibited = clauseOf('not_prohibited')
const consentNotRequired = clauseOf('consent_not_required')
const consentMissing = clauseOf('consent_missing')
const licenseMissing = clauseOf('license_missing')

function decideKnown(use: Use, judges: Judges, facts: ItemFacts): ItemDecision {
  if (!facts.item) return deny(facts, [unknownItem])
  const forbidding = prohibitions(use, facts)
  if (forbidding.length > 0) return deny(facts, forbidding)
  const consent = consentClauses(judges, facts)
  const [first] = consent
  if (first?.result === 'deny') return deny(facts, [notProhibited, ...consent])
  return decideByLicenses(judges, facts, [notProhibited, ...consent])
}

function prohibitions({ purpose }: Use, { item, dataset }: ItemFacts): Clause[] {
  const clauses: Clause[] = []
  if (item?.prohibitedUses.some((one) => one === purpose))
    clauses.push(clauseOf('item_prohibits_use', item.id))
  if (dataset?.prohibitedUses.some((one) => one === purpose))
    clauses.push(clauseOf('dataset_prohibits_use', dataset.id))
  return clauses
}

/** The consent that covers the use or why none is needed, or else only clauses that deny. */
function consentClauses(judges: Judges, { item, dataset, consents }: ItemFacts): Clause[] {
  const verdicts = sortedById(consents).map((consent) => judges.consent(consent))
  const renewed = latestCovering(verdicts)
  const withdrawn = verdicts.filter((verdict) => isWithdrawn(verdict, renewed))
  if (withdrawn.length > 0) return withdrawn.slice(-causesNamed).map(({ clause }) => clause)
  if (!(item?.consentRequired ?? dataset?.consentRequired ?? true)) return [consentNotRequired]
  const covering = verdicts.find(({ covers }) => covers)
  if (covering) return [covering.clause]
  return verdicts.length > 0 ? verdicts.slice(-causesNamed).map(({ clause }) => clause) : [consentMissing]
}

/** When each subject last gave a consent that covers the use. */
function latestCovering(verdicts: readonly ConsentVerdict[]): ReadonlyMap<string, Date> {
  const latest = new Map<string, Date>()
  for (const { covers, consent } of verdicts) {
    const known = latest.get(consent.subject)
    if (covers && (known === undefined || known < consent.grantedAt))
      latest.set(consent.subject, consent.grantedAt)
  }
  return latest
}

/** Whether a withdrawal stands: no covering consent that the same subject gave since then takes it back. */
function isWithdrawn({ consent, withdrawnAt }: ConsentVerdict, renewed: ReadonlyMap<string, Date>): boolean {
  if (withdrawnAt === undefined) return false
  const since = renewed.get(consent.subject)
  return since === undefined || since < withdrawnAt
}

function decideByLicenses(judges: Judges, facts: ItemFacts, before: readonly Clause[]): ItemDecision {
  const verdicts = sortedById(facts.licenses).map((license) => judges.license(license))
  const permitting = verdicts.find(({ permits }) => permits)
  if (permitting) {
    return {
      item: facts.hash,
      decision: 'permit',
      license: permitting.id,
      reason: 'license_active',
      trace: [...before, ...permitting.clauses],
    }
  }
  const denying =
    verdicts.length > 0 ? nearestOf(verdicts).flatMap(({ clauses }) => clauses) : [licenseMissing]
  const nearest = verdicts.find(({ inForce }) => inForce) ?? verdicts.at(-1)
  const offers = facts.offers.filter((offer) => judges.offer(offer)).map(({ id }) => id)
  return {
    ...deny(facts, [...before, ...denying], nearest?.clauses),
    ...(offers.length > 0 && { offers: offers.toSorted().slice(0, offersNamed) }),
  }
}

/** The agreements that a denial names, by id: those in force before those that are not, the latest of these. */
function nearestOf(verdicts: readonly LicenseVerdict[]): readonly LicenseVerdict[] {
  if (verdicts.length <= causesNamed) return verdicts
  const holding = verdicts.filter(({ inForce }) => inForce).slice(0, causesNamed)
  const others = verdicts.filter(({ inForce }) => !inForce)
  return sortedById([...holding, ...others.slice(others.length - (causesNamed - holding.length))])
}

/** A denial for the first reason among `against`. */
function deny({ hash }: ItemFacts, trace: Clause[], against: readonly Clause[] = trace): ItemDecision {
  const deciding = against.find(({ result }) => result === 'deny')
  if (!deciding) throw new Error(`nothing denies the use of ${hash}`)
  return { item: hash, decision: 'deny', reason: deciding.code, trace }
}

function sortedById<T extends { readonly id: string }>(list: readonly T[]): readonly T[] {
  if (list.length < 2) return list
  return list.toSorted((left, right) => (left.id < right.id ? -1 : left.id > right.id ? 1 : 0))
}

/** Judges each object once: a thousand items of a dataset rest on the same few agreements and consents. */
function remembered<T extends object, V>(judge: (value: T) => V): (value: T) => V {
  const verdicts = new Map<T, V>()
  return (value) => {
    const known = verdicts.get(value)
    if (known !== undefined) return known
    const verdict = judge(value)
    verdicts.set(value, verdict)
    return verdict
  }
}
