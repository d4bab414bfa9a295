import { idSchema } from '@tallystick/protocol'

const accountId = idSchema('account')
const datasetId = idSchema('dataset')

/** The URL of a license. */
export function licenseUrl(publicUrl: string, id: string): string {
  return `${publicUrl}/v1/licenses/${id}`
}

/** An IRI for what a license covers: RFC 6920 for a content hash, a URL for a dataset, a URN for the tenant's own name. */
export function itemIri(publicUrl: string, item: string): string {
  const [, hex] = /^sha256:([0-9a-f]{64})$/.exec(item) ?? []
  if (hex !== undefined) return `ni:///sha-256;${Buffer.from(hex, 'hex').toString('base64url')}`
  if (datasetId.safeParse(item).success) return `${publicUrl}/v1/datasets/${item}`
  return `urn:tallystick:reference:${encodeURIComponent(item)}`
}

/** An IRI for a party: the URL of an account, or a URN for the tenant's own name. */
export function partyIri(publicUrl: string, party: string): string {
  if (accountId.safeParse(party).success) return `${publicUrl}/v1/accounts/${party}`
  return `urn:tallystick:party:${encodeURIComponent(party)}`
}
