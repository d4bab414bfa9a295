import { commonLoss, denialLoss, licenseGrant } from './license-grant.ts'
import type { ExportedLicense, Grant, Loss } from './license-grant.ts'

/** A value in a constraint: a literal or an IRI. */
export type OdrlValue = { '@id': string } | { '@value': string; '@type'?: string }

/** A constraint, duty or rule of ODRL 2.2; terms of its vocabulary stand as plain names. */
export interface OdrlConstraint {
  leftOperand: string
  operator: 'eq' | 'gteq' | 'lt' | 'lteq' | 'isAnyOf' | 'isNoneOf'
  rightOperand: OdrlValue | OdrlValue[]
  unit?: string
}

/** An action, alone or refined. */
type OdrlAction = string | { 'rdf:value': { '@id': string }; refinement: OdrlConstraint[] }

export interface OdrlRule {
  action: OdrlAction
  constraint?: OdrlConstraint[]
  duty?: { action: OdrlAction }[]
}

/** The rules of a license, what they cannot say, and whether they use operands of our own profile. */
export interface OdrlRules {
  permission: OdrlRule[]
  prohibition: OdrlRule[]
  profiled: boolean
  loss: Loss[]
}

/** The ODRL profile that names the operands which ODRL 2.2 lacks; a processor that does not know it must not act. */
export const odrlProfile = 'urn:tallystick:odrl'

/** The IRI of a purpose. */
function purposeIri(purpose: string): string {
  return `urn:tallystick:purpose:${purpose}`
}

/**
 * A license as rules of the ODRL Information Model 2.2: one permission to `use`, bound by purpose, place and time, on the
 * duty to pay. What is not permitted is prohibited by default; uses that the license prohibits are said all the same.
 */
export function odrlRules(license: ExportedLicense, at: Date): OdrlRules {
  const grant = licenseGrant(license, at)
  if (!grant) {
    const loss = [denialLoss(license), ...commonLoss(license)]
    return { permission: [], prohibition: [{ action: 'use' }], profiled: false, loss }
  }
  const { prohibited_uses: prohibited, seats } = license.terms
  const own = ownConstraints(grant, seats)
  return {
    permission: [
      { action: 'use', constraint: [...constraintsOf(grant), ...own], duty: [{ action: payment(license) }] },
    ],
    prohibition:
      prohibited.length === 0 ? [] : [{ action: 'use', constraint: [purposeConstraint(prohibited)] }],
    profiled: own.length > 0,
    loss: [...profileLoss(grant, seats), ...priceLoss(license), ...commonLoss(license)],
  }
}

function purposeConstraint(purposes: readonly string[]): OdrlConstraint {
  const rightOperand = purposes.map((purpose) => ({ '@id': purposeIri(purpose) }))
  return { leftOperand: 'purpose', operator: 'isAnyOf', rightOperand }
}

function constraintsOf({ purposes, regions, excluded, from, until }: Grant): OdrlConstraint[] {
  const constraints = [purposeConstraint(purposes)]
  // Value objects: the ODRL context would turn a plain "DE" into an IRI of its own vocabulary.
  const codes = (list: readonly string[]) => list.map((code) => ({ '@value': code }))
  const moment = (date: Date) => ({ '@value': date.toISOString(), '@type': 'xsd:dateTime' })
  if (regions) constraints.push({ leftOperand: 'spatial', operator: 'isAnyOf', rightOperand: codes(regions) })
  if (excluded.length > 0)
    constraints.push({ leftOperand: 'spatial', operator: 'isNoneOf', rightOperand: codes(excluded) })
  constraints.push({ leftOperand: 'dateTime', operator: 'gteq', rightOperand: moment(from) })
  if (until) constraints.push({ leftOperand: 'dateTime', operator: 'lt', rightOperand: moment(until) })
  return constraints
}

function ownConstraints({ models }: Grant, seats?: number): OdrlConstraint[] {
  const constraints: OdrlConstraint[] = []
  if (models.length > 0) {
    const rightOperand = models.map((model) => ({ '@value': model }))
    constraints.push({ leftOperand: `${odrlProfile}:model`, operator: 'isAnyOf', rightOperand })
  }
  if (seats !== undefined) {
    const rightOperand = { '@value': String(seats), '@type': 'xsd:integer' }
    constraints.push({ leftOperand: `${odrlProfile}:seats`, operator: 'lteq', rightOperand })
  }
  return constraints
}

function payment({ pricing, currency }: ExportedLicense): OdrlAction {
  if (pricing.model !== 'per_item') return 'compensate'
  return {
    'rdf:value': { '@id': 'odrl:compensate' },
    refinement: [
      {
        leftOperand: 'payAmount',
        operator: 'eq',
        rightOperand: { '@value': pricing.unit_price, '@type': 'xsd:decimal' },
        unit: `urn:iso:std:iso:4217:${currency}`,
      },
    ],
  }
}

function profileLoss({ models }: Grant, seats?: number): Loss[] {
  const narrowed = `Said by the profile ${odrlProfile}; a processor that does not know it permits nothing.`
  const loss: Loss[] = []
  if (models.length > 0) {
    const what = 'The models that may use the data: ODRL 2.2 has no operand for them.'
    loss.push({ pointer: '/terms/models', what, narrowed })
  }
  if (seats !== undefined) {
    const what = 'The number of seats: ODRL 2.2 has no operand for it.'
    loss.push({ pointer: '/terms/seats', what, narrowed })
  }
  return loss
}

function priceLoss({ pricing }: ExportedLicense): Loss[] {
  if (pricing.model === 'per_item') return []
  const what = `The price by the model ${pricing.model}.`
  return [{ pointer: '/pricing', what, narrowed: 'Every use is bound to the duty to compensate.' }]
}
