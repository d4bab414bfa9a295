import { invoices } from '../../services/billing/src/invoices/collections.ts'
import type { StoredLine } from '../../services/billing/src/invoices/collections.ts'
import { billedUsage, subscriptions } from '../../services/billing/src/subscriptions/collections.ts'
import type { Marketplace } from './marketplace.ts'
import type { ModelLicense } from './model.ts'
import { allOf } from './steps.ts'

type Line = Pick<StoredLine, 'kind' | 'license' | 'amount' | 'period' | 'price'>

/**
 * What is wrong with how licenses were charged: none twice for any moment, whichever subscriptions did, a single amount
 * once, and nothing for the time after a license has ended once the period of that end is closed.
 */
export async function wrongWithLicenses(market: Marketplace): Promise<string[]> {
  const { model } = market
  if (model.licenses.size === 0) return []
  const all = await allOf(market, subscriptions.byTenant)
  const lines: Line[] = [
    ...(await allOf(market, invoices.byTenant)).flatMap((invoice) => invoice.lines),
    ...all.flatMap(({ pendingLines }) => pendingLines),
  ]
  const ofLicense = Map.groupBy(lines, ({ license }) => license)
  const billed = Map.groupBy(await allOf(market, billedUsage.byCustomer), ({ price }) => price)
  const wrong: string[] = []
  for (const [id, license] of model.licenses) {
    const charged = ofLicense.get(id) ?? []
    const live = all.filter(
      ({ status, items }) =>
        status !== 'canceled' && items.some((item) => item.license === id && item.until === undefined),
    )
    if (live.length > 1) wrong.push(`${id} is charged by ${live.map((one) => one.id).join(' and ')}`)
    const { model: paidBy } = license.charge.pricing
    if (paidBy === 'usage') {
      const price = charged[0]?.price ?? ''
      const stretches = (billed.get(price) ?? []).map(({ period }) => ({ ...period, by: 1 }))
      if (coverage(stretches).some(({ depth }) => depth > 1)) wrong.push(`usage of ${id} is charged twice`)
    } else if (paidBy === 'subscription') {
      const end = live.length === 0 ? endOf(license) : undefined
      wrong.push(...wrongTimes(id, charged, end))
    } else if (charged.length > (paidBy === 'royalty' ? 0 : 1)) {
      wrong.push(`${id}, paid by ${paidBy}, is charged ${charged.length} times`)
    }
    // At the very moment at which a period began, it may have ended after that. What has not begun charges nothing.
    for (const { id: by, period, status } of live)
      if (
        status !== 'paused' &&
        status !== 'scheduled' &&
        (endOf(license) ?? period.end) < period.start &&
        period.start < period.end
      )
        wrong.push(`${by} goes on with ${id}, which has ended`)
  }
  return wrong
}

function wrongTimes(id: string, charged: readonly Line[], end: Date | undefined): string[] {
  const stretches = charged.map(({ kind, amount, period }) => ({
    ...period,
    by: kind === 'proration' && amount < 0n ? -1 : 1,
  }))
  const wrong: string[] = []
  for (const { start, depth } of coverage(stretches)) {
    if (depth < 0 || depth > 1) wrong.push(`${id} is charged ${depth} times from ${start.toISOString()}`)
    if (depth > 0 && end && start >= end)
      wrong.push(`${id} is charged after its end, from ${start.toISOString()}`)
  }
  return wrong
}

/** How often each stretch of time is charged. */
function coverage(stretches: readonly { start: Date; end: Date; by: number }[]) {
  const steps = stretches
    .flatMap(({ start, end, by }) => [
      { at: start.getTime(), by },
      { at: end.getTime(), by: -by },
    ])
    .toSorted((a, b) => a.at - b.at)
  const found: { start: Date; depth: number }[] = []
  let depth = 0
  for (const [place, { at, by }] of steps.entries()) {
    depth += by
    if (steps[place + 1]?.at !== at) found.push({ start: new Date(at), depth })
  }
  return found
}

function endOf({ charge: { endedAt, effectiveUntil } }: ModelLicense): Date | undefined {
  const ends = [endedAt, effectiveUntil].flatMap((end) => end?.getTime() ?? [])
  return ends.length === 0 ? undefined : new Date(Math.min(...ends))
}
