import type { Purpose } from '@tallystick/protocol'
import { XMLBuilder } from 'fast-xml-parser'
import { commonLoss, denialLoss, licenseGrant } from './license-grant.ts'
import type { ExportContext, ExportedLicense, Grant, LicenseExport, Loss } from './license-grant.ts'
import { itemIri, licenseUrl } from './resource-names.ts'

// What each token permits, in our words: a token is permitted only where all of it is (RSL 1.0, 3.4.1).
const tokens: readonly (readonly [string, readonly Purpose[]])[] = [
  ['ai-train', ['train', 'fine_tune']],
  ['ai-input', ['retrieval', 'inference']],
  ['ai-index', ['retrieval']],
]
const dayMs = 86_400_000

/**
 * A license as RSL 1.0. RSL speaks to every client and knows neither licensee, model nor time: `server` obliges a client
 * to hold a license of this marketplace, `max-age` lets nobody rely on the document for longer than a day, and what
 * then still cannot be said is prohibited.
 */
export function toRsl(license: ExportedLicense, { publicUrl, at }: ExportContext): LicenseExport {
  const grant = licenseGrant(license, at)
  const reason = grant ? unsayable(grant, at) : denialLoss(license)
  const permitted = grant && !reason ? permittedTokens(grant) : []
  const terms =
    grant && permitted.length > 0
      ? termsOf(permitted, grant)
      : { prohibits: [{ '@type': 'usage', '#text': 'all' }] }
  const url = licenseUrl(publicUrl, license.id)
  const content = license.items.map((item) => ({
    '@url': itemIri(publicUrl, item),
    '@server': publicUrl,
    '@lastmod': license.updated_at,
    license: { ...terms, payment: paymentOf(license, url) },
    terms: url,
  }))
  const rsl = { '@xmlns': 'https://rslstandard.org/rsl', '@max-age': '1', content }
  return {
    contentType: 'application/rsl+xml',
    document: builder.build({ '?xml': { '@version': '1.0', '@encoding': 'UTF-8' }, rsl }),
    loss: [...(reason ? [reason] : []), ...(grant ? rslLoss(license, grant) : []), ...commonLoss(license)],
  }
}

const builder = new XMLBuilder({
  attributeNamePrefix: '@',
  ignoreAttributes: false,
  suppressEmptyNode: true,
  format: true,
})

function permittedTokens({ purposes }: Grant): string[] {
  return tokens.filter(([, needs]) => needs.every((use) => purposes.includes(use))).map(([token]) => token)
}

/** What keeps the whole license from being said, if anything. */
function unsayable(grant: Grant, at: Date): Loss | undefined {
  const narrowed = 'Exported as a prohibition of every use.'
  if (grant.models.length > 0)
    return { pointer: '/terms/models', what: 'The models that may use the data.', narrowed }
  if (at < grant.from) return { pointer: '/effective_from', what: 'A license that begins later.', narrowed }
  if (grant.until && grant.until.getTime() - at.getTime() <= dayMs)
    return { pointer: '/effective_until', what: 'An end within a day, the shortest max-age.', narrowed }
  if (grant.excluded.some((region) => !isAlpha2(region)))
    return {
      pointer: '/terms/excluded_regions',
      what: 'A region that is no ISO 3166-1 alpha-2 code.',
      narrowed,
    }
  if (grant.regions && grant.regions.filter(isAlpha2).length === 0)
    return { pointer: '/terms/region_restrictions', what: 'Regions without an alpha-2 code.', narrowed }
  return undefined
}

function isAlpha2(region: string): boolean {
  return region.length === 2
}

function termsOf(permitted: readonly string[], { regions, excluded }: Grant) {
  const others = [...tokens.map(([token]) => token), 'search'].filter((token) => !permitted.includes(token))
  const usage = (values: readonly string[]) => ({ '@type': 'usage', '#text': values.join(' ') })
  const geo = (values: readonly string[]) => ({ '@type': 'geo', '#text': values.join(' ') })
  return {
    permits: [usage(permitted), ...(regions ? [geo(regions.filter(isAlpha2))] : [])],
    prohibits: [usage(others), ...(excluded.length > 0 ? [geo(excluded)] : [])],
  }
}

// Never left out: a license without `payment` is free (RSL 1.0, 3.7).
function paymentOf({ pricing, currency }: ExportedLicense, url: string) {
  if (pricing.model === 'per_item') {
    return {
      '@type': 'purchase',
      custom: url,
      amount: { '@currency': currency, '#text': pricing.unit_price },
    }
  }
  const types = { subscription: 'subscription', usage: 'use', royalty: 'use' } as const
  const type = pricing.model in types ? types[pricing.model as keyof typeof types] : 'purchase'
  return { '@type': type, custom: url }
}

function rslLoss(license: ExportedLicense, { purposes, regions, until }: Grant): Loss[] {
  const { terms, pricing } = license
  const held = '`server` obliges a client to hold a license of this marketplace.'
  const loss: Loss[] = [{ pointer: '/buyer_id', what: 'Who the licensee is.', narrowed: held }]
  const permitted = tokens.filter(([, needs]) => needs.every((use) => purposes.includes(use)))
  const said = new Set(permitted.flatMap(([, needs]) => needs))
  for (const use of purposes.filter((one) => !said.has(one))) {
    const what = `The use ${use}: no RSL token permits it and nothing more.`
    loss.push({ pointer: '/terms/allowed_uses', what, narrowed: 'Not permitted.' })
  }
  if (regions?.some((region) => !isAlpha2(region))) {
    const what = 'Regions without an ISO 3166-1 alpha-2 code.'
    loss.push({ pointer: '/terms/region_restrictions', what, narrowed: 'Not permitted there.' })
  }
  if (terms.seats !== undefined)
    loss.push({ pointer: '/terms/seats', what: 'The number of seats.', narrowed: held })
  const day = 'No client may rely on the document for longer than a day (`max-age`).'
  loss.push({ pointer: '/effective_from', what: 'When the license began.', narrowed: day })
  if (until) loss.push({ pointer: '/effective_until', what: 'When the license ends.', narrowed: day })
  if (pricing.model !== 'per_item') {
    const narrowed = 'Payment is required; `custom` leads to the price.'
    loss.push({ pointer: '/pricing', what: `The price by the model ${pricing.model}.`, narrowed })
  }
  return loss
}
