import { commonLoss, denialLoss, licenseGrant } from './license-grant.ts'
import type { ExportContext, ExportedLicense, LicenseExport, Loss } from './license-grant.ts'
import { licenseUrl } from './resource-names.ts'

/**
 * A license as the CAWG Training and Data Mining assertion 1.1. The assertion speaks to everyone who holds the asset
 * while a license speaks to one buyer, so nothing is ever `allowed`: what the buyer may do is `constrained`, with the
 * ODRL export of the license as `constraint_info`, and all else is `notAllowed`.
 */
export function toCawg(license: ExportedLicense, { publicUrl, at }: ExportContext): LicenseExport {
  const grant = licenseGrant(license, at)
  const info = `${licenseUrl(publicUrl, license.id)}/export?format=odrl`
  const entry = (...uses: string[]) =>
    grant?.purposes.some((purpose) => uses.includes(purpose)) === true
      ? { use: 'constrained', constraint_info: info }
      : { use: 'notAllowed' }
  const assertion = {
    label: 'cawg.training-mining',
    data: {
      entries: {
        'cawg.data_mining': { use: 'notAllowed' },
        'cawg.ai_inference': entry('inference', 'retrieval'),
        'cawg.ai_training': entry('train', 'fine_tune'),
        'cawg.ai_generative_training': entry('train', 'fine_tune'),
      },
    },
  }
  return {
    contentType: 'application/json',
    document: JSON.stringify(assertion, null, 2),
    loss: [...(grant ? cawgLoss(license) : [denialLoss(license)]), ...commonLoss(license)],
  }
}

function cawgLoss({ terms, effective_until: until }: ExportedLicense): Loss[] {
  const asked = 'Said as constrained, which counts as notAllowed for whoever does not follow constraint_info.'
  const loss: Loss[] = [
    { pointer: '/buyer_id', what: 'Who the licensee is.', narrowed: asked },
    { pointer: '/pricing', what: 'The price.', narrowed: asked },
  ]
  const say = (pointer: string, what: string, is: boolean) => {
    if (is) loss.push({ pointer, what, narrowed: asked })
  }
  say('/terms/allowed_uses', 'Training and fine-tuning, inference and retrieval, each apart.', true)
  say('/terms/region_restrictions', 'Where the data may be used.', terms.region_restrictions.length > 0)
  say('/terms/excluded_regions', 'Where it may not be used.', terms.excluded_regions.length > 0)
  say('/terms/models', 'The models that may use the data.', terms.models.length > 0)
  say('/terms/seats', 'The number of seats.', terms.seats !== undefined)
  say('/effective_until', 'When the license ends.', until !== undefined)
  if (terms.allowed_uses.includes('evaluate')) {
    const narrowed = 'Not granted: no entry of the assertion permits it.'
    loss.push({ pointer: '/terms/allowed_uses', what: 'Evaluation.', narrowed })
  }
  return loss
}
