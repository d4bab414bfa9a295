import type { ExportContext, ExportedLicense, LicenseExport } from './license-grant.ts'
import { odrlProfile, odrlRules } from './odrl-rules.ts'
import { itemIri, licenseUrl, partyIri } from './resource-names.ts'

/** A license as an Agreement in ODRL 2.2 JSON-LD (W3C Recommendation of 2018-02-15). */
export function toOdrl(license: ExportedLicense, { publicUrl, at }: ExportContext): LicenseExport {
  const { permission, prohibition, profiled, loss } = odrlRules(license, at)
  const agreement = {
    '@context': ['http://www.w3.org/ns/odrl.jsonld', { rdf: 'http://www.w3.org/1999/02/22-rdf-syntax-ns#' }],
    '@type': 'Agreement',
    uid: licenseUrl(publicUrl, license.id),
    ...(profiled && { profile: odrlProfile }),
    conflict: 'prohibit',
    assigner: partyIri(publicUrl, license.creator_id),
    assignee: partyIri(publicUrl, license.buyer_id),
    target: license.items.map((item) => itemIri(publicUrl, item)),
    ...(permission.length > 0 && { permission }),
    ...(prohibition.length > 0 && { prohibition }),
  }
  return { contentType: 'application/ld+json', document: JSON.stringify(agreement, null, 2), loss }
}
