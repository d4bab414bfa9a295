import type { ExportContext, ExportedLicense, LicenseExport } from './license-grant.ts'
import { odrlProfile, odrlRules } from './odrl-rules.ts'
import type { OdrlConstraint, OdrlRule } from './odrl-rules.ts'
import { itemIri, licenseUrl, partyIri } from './resource-names.ts'

const croissant = 'http://mlcommons.org/croissant/1.1'

/**
 * The part of a dataset's Croissant 1.1 description that says its use: `usageInfo` with an `odrl:Offer` ("Fine-Grained
 * Control with ODRL"). It is joined with a description of the data, which a license does not have.
 */
export function toCroissant(license: ExportedLicense, { publicUrl, at }: ExportContext): LicenseExport {
  const { permission, prohibition, profiled, loss } = odrlRules(license, at)
  const url = licenseUrl(publicUrl, license.id)
  const fragment = {
    '@context': {
      '@vocab': 'http://schema.org/',
      sc: 'http://schema.org/',
      cr: 'http://mlcommons.org/croissant/',
      dct: 'http://purl.org/dc/terms/',
      odrl: 'http://www.w3.org/ns/odrl/2/',
      rdf: 'http://www.w3.org/1999/02/22-rdf-syntax-ns#',
      xsd: 'http://www.w3.org/2001/XMLSchema#',
      conformsTo: 'dct:conformsTo',
    },
    '@type': 'sc:Dataset',
    conformsTo: croissant,
    license: url,
    usageInfo: {
      '@type': ['CreativeWork', 'odrl:Offer'],
      '@id': url,
      name: `License ${license.id}`,
      ...(profiled && { 'odrl:profile': { '@id': odrlProfile } }),
      'odrl:conflict': { '@id': 'odrl:prohibit' },
      'odrl:assigner': { '@id': partyIri(publicUrl, license.creator_id) },
      'odrl:assignee': { '@id': partyIri(publicUrl, license.buyer_id) },
      'odrl:target': license.items.map((item) => ({ '@id': itemIri(publicUrl, item) })),
      ...(permission.length > 0 && {
        'odrl:permission': permission.map((rule) => ruleOf(rule, 'Permission')),
      }),
      ...(prohibition.length > 0 && {
        'odrl:prohibition': prohibition.map((rule) => ruleOf(rule, 'Prohibition')),
      }),
    },
  }
  const what = 'That the parties have agreed: usageInfo holds an offer.'
  const narrowed = 'The offer names the licensee, and an offer alone grants nothing.'
  return {
    contentType: `application/ld+json; profile="${croissant}"`,
    document: JSON.stringify(fragment, null, 2),
    loss: [{ pointer: '/status', what, narrowed }, ...loss],
  }
}

function ruleOf({ action, constraint, duty }: OdrlRule, type: string): Record<string, unknown> {
  return {
    '@type': `odrl:${type}`,
    'odrl:action': actionOf(action),
    ...(constraint && { 'odrl:constraint': constraint.map(constraintOf) }),
    ...(duty && {
      'odrl:duty': duty.map((one) => ({ '@type': 'odrl:Duty', 'odrl:action': actionOf(one.action) })),
    }),
  }
}

function actionOf(action: OdrlRule['action']): Record<string, unknown> {
  if (typeof action === 'string') return { '@id': `odrl:${action}` }
  return { 'rdf:value': action['rdf:value'], 'odrl:refinement': action.refinement.map(constraintOf) }
}

function constraintOf({
  leftOperand,
  operator,
  rightOperand,
  unit,
}: OdrlConstraint): Record<string, unknown> {
  return {
    '@type': 'odrl:Constraint',
    'odrl:leftOperand': { '@id': leftOperand.includes(':') ? leftOperand : `odrl:${leftOperand}` },
    'odrl:operator': { '@id': `odrl:${operator}` },
    'odrl:rightOperand': rightOperand,
    ...(unit !== undefined && { 'odrl:unit': { '@id': unit } }),
  }
}
