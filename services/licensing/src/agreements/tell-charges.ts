import type { LicenseCharge, LicenseChargeQuestion } from '@tallystick/protocol'
import { datasetTotals, licenses } from '../collections.ts'
import { namesOfActor } from '../decisions/decide-items.ts'
import type { Deps } from '../deps.ts'
import type { StoredLicense } from './license-view.ts'
import { resolveItems } from './resolve-items.ts'

type ReadDeps = Pick<Deps, 'store' | 'identity'>

/**
 * What agreements say of their payment, in order; null for what is missing, only a draft, or of another buyer than the
 * actor that is named.
 */
export async function tellCharges(
  deps: ReadDeps,
  tenant: string,
  questions: readonly LicenseChargeQuestion[],
): Promise<(LicenseCharge | null)[]> {
  const found = await deps.store.getMany(
    licenses,
    questions.map(({ license }) => license),
  )
  return Promise.all(
    found.map(async (license, place) => {
      if (license?.tenant !== tenant || license.status === 'draft') return null
      const { actor, count_items: counting = false } = questions[place] ?? {}
      if (actor !== undefined && !(await namesOfActor(deps, tenant, actor)).includes(license.buyer))
        return null
      const isCounted = counting && license.pricing.model === 'per_item'
      return chargeOf(license, isCounted ? await countItems(deps, license) : undefined)
    }),
  )
}

const endings = new Set<StoredLicense['status']>(['expired', 'revoked', 'terminated', 'superseded'])

function chargeOf(license: StoredLicense, items: number | undefined): LicenseCharge {
  const { id, status, pricing, currency, effectiveFrom, effectiveUntil, supersededBy, history } = license
  const ended = history.find((step) => endings.has(step.status))?.at
  return {
    license: id,
    status,
    pricing,
    currency,
    ...(items !== undefined && { items }),
    ...(effectiveFrom && { effective_from: effectiveFrom.toISOString() }),
    ...(effectiveUntil && { effective_until: effectiveUntil.toISOString() }),
    ...(ended && { ended_at: ended.toISOString() }),
    ...(supersededBy !== undefined && { superseded_by: supersededBy }),
  }
}

/** An item that is named beside its dataset is counted with it. */
async function countItems(
  { store }: ReadDeps,
  { tenant, items: references }: StoredLicense,
): Promise<number | undefined> {
  const resolved = await resolveItems({ store }, tenant, references)
  if (resolved.some(({ item, dataset }) => !item && !dataset)) return undefined
  const whole = new Set(resolved.flatMap(({ dataset }) => dataset?.id ?? []))
  const totals = await store.getMany(datasetTotals, [...whole])
  const alone = resolved.filter(
    ({ item }) => item && !(item.dataset !== undefined && whole.has(item.dataset)),
  )
  return totals.reduce((sum, total) => sum + (total?.items ?? 0), alone.length)
}
