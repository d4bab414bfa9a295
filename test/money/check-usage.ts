import { compareDecimals, formatDecimal, parseDecimal } from '@tallystick/money'
import { aggregate, periodFraction, price as priceSchema, rateUsage } from '@tallystick/pricing'
import type { Price, Usage } from '@tallystick/pricing'
import type { z } from 'zod'
import { invoices } from '../../services/billing/src/invoices/collections.ts'
import { prices } from '../../services/billing/src/prices/collections.ts'
import { billedUsage, subscriptions } from '../../services/billing/src/subscriptions/collections.ts'
import { aggregateUsage } from '../../services/billing/src/usage/aggregate-usage.ts'
import { lateUsage, usageEvents } from '../../services/billing/src/usage/collections.ts'
import { usageIdOf } from '../../services/billing/src/usage/identify-reports.ts'
import type { Marketplace } from './marketplace.ts'
import type { ModelEvent, ModelMeter } from './model.ts'
import { allOf } from './steps.ts'

interface Stretch {
  start: Date
  end: Date
}

/** What is wrong with what was counted: each event that was acknowledged is there once, meters say what events say. */
export async function wrongWithUsage(market: Marketplace): Promise<string[]> {
  const { model } = market
  const wrong: string[] = []
  const kept = (await allOf(market, usageEvents.byTenant)).filter(({ kind }) => kind === 'usage')
  const accepted = new Map(kept.filter(({ status }) => status === 'accepted').map((one) => [one.event, one]))
  if (accepted.size !== model.events.size)
    wrong.push(`${accepted.size} events are kept, ${model.events.size} were acknowledged`)
  for (const { event, effective } of model.events.values()) {
    const told = effective === undefined ? undefined : formatDecimal(parseDecimal(effective))
    if (accepted.get(event)?.effective !== told)
      wrong.push(`event ${event} counts ${accepted.get(event)?.effective}`)
  }
  for (const meter of model.meters)
    for (const { id } of model.customers) wrong.push(...(await wrongFigure(market, meter, id)))
  return wrong
}

async function wrongFigure(market: Marketplace, meter: ModelMeter, customer: string): Promise<string[]> {
  const { stores, tenant, random, machine } = market
  const times = [...market.model.events.values()].map(({ occurredAt }) => occurredAt.getTime())
  const [first, last] = [Math.min(...times, machine), Math.max(...times, machine)]
  const from = random.chance(0.5) ? first : random.between(first, last)
  const stretch = {
    start: new Date(from),
    end: new Date(random.chance(0.5) ? last + 1 : random.between(from, last)),
  }
  const question = { meter: meter.id, customer, from: stretch.start, before: stretch.end }
  const deps = { store: stores[0], now: () => new Date(machine) }
  const { usage } = await aggregateUsage(deps, tenant, question)
  const expected = figure(meter, countedIn(market, meter, customer, stretch))
  const told = 'quantity' in usage && typeof usage.quantity === 'string' ? usage.quantity : '-1'
  if (compareDecimals(parseDecimal(told), parseDecimal(expected)) === 0) return []
  return [`${meter.aggregation} ${meter.id} of ${customer} is ${told}, not ${expected}`]
}

/** The events that a meter counts of a customer in a stretch of time: as they occurred, those of one moment by their id. */
export function countedIn(
  { model, tenant }: Marketplace,
  meter: ModelMeter,
  customer: string,
  { start, end }: Stretch,
): ModelEvent[] {
  return [...model.events.values()]
    .filter(
      (event) =>
        event.effective !== undefined &&
        event.customer === customer &&
        event.metric === meter.metric &&
        (meter.modelId === undefined || meter.modelId === event.modelId) &&
        event.occurredAt >= start &&
        event.occurredAt < end,
    )
    .map((event) => ({ event, at: event.occurredAt.getTime(), id: usageIdOf(tenant, event.event) }))
    .toSorted((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1))
    .map(({ event }) => event)
}

/** The figure of a meter for events. */
export function figure({ aggregation }: ModelMeter, events: readonly ModelEvent[]): string {
  const seen = events.map(({ occurredAt, receivedAt, effective = '0', modelId }) => ({
    occurredAt,
    sequence: receivedAt.getTime(),
    value: parseDecimal(effective),
    member: modelId,
  }))
  return formatDecimal(aggregate(aggregation, seen))
}

/**
 * What is wrong with how usage was charged. The lines of each closed period must come to what was last rated; and where
 * no late usage waits to be invoiced, to what all events of the period cost now.
 */
export async function wrongWithCharges(market: Marketplace): Promise<string[]> {
  const lines = (await allOf(market, invoices.byTenant))
    .filter(({ status }) => status !== 'draft')
    .flatMap(({ subscription, lines: own }) => own.map((line) => ({ ...line, subscription })))
  const wrong: string[] = []
  const billed = await allOf(market, billedUsage.byCustomer)
  const waiting = new Set((await allOf(market, lateUsage.byCustomer)).map(({ customer }) => customer))
  for (const one of billed) {
    const { subscription, item, period, rating, id } = one
    const ofPeriod = lines.filter(
      (line) =>
        line.subscription !== undefined &&
        line.subscriptionItem === item &&
        line.price === one.price &&
        line.kind !== 'proration' &&
        line.period.start.getTime() === period.start.getTime() &&
        line.period.end.getTime() === period.end.getTime() &&
        // Corrections come on whichever invoice of the customer is next.
        (line.subscription === subscription || line.kind.startsWith('late_usage')),
    )
    const isShared = billed.some(
      (other) =>
        other !== one &&
        other.subscription !== subscription &&
        other.item === item &&
        other.price === one.price &&
        other.period.start.getTime() === period.start.getTime(),
    )
    const charged = ofPeriod.reduce((sum, { amount }) => sum + amount, 0n)
    const rated = sumOf(JSON.parse(rating) as { amount: string }[])
    if (!isShared && charged !== rated) wrong.push(`${id}: ${charged} invoiced, ${rated} rated`)
    if (waiting.has(one.customer)) continue
    const due = await dueFor(market, one)
    if (due === undefined) continue
    if (due !== rated) wrong.push(`${id}: ${rated} charged, ${due} due for all events of the period`)
  }
  return [...wrong, ...overlaps(billed), ...(await gaps(market, { billed, lines }))]
}

/** What all events of a period cost now: by the marketplace's prices, or by the license that the customer agreed on. */
async function dueFor(
  market: Marketplace,
  { price: id, customer, period, whole }: z.infer<typeof billedUsage.schema>,
): Promise<bigint | undefined> {
  const { model } = market
  const price = model.prices.find((known) => known.id === id)
  const meter = model.meters.find((known) => known.id === price?.meter)
  if (price && meter) {
    const usage = usageFor(price.definition, meter, countedIn(market, meter, customer, period))
    const share = whole && periodFraction(whole, period, { by: 'second' })
    return rateUsage(price.definition, usage, share ? { proration: share } : {}).total.amount
  }
  const license = (await allOf(market, prices.byTenant)).find((one) => one.id === id)?.license ?? ''
  const agreed = model.licenses.get(license)
  if (agreed?.charge.pricing.model !== 'usage') return undefined
  const { metric, unit_price: unit_amount } = agreed.charge.pricing
  const sum: ModelMeter = { id: '', metric, aggregation: 'sum', field: 'quantity', groupBy: [] }
  const events = countedIn(market, sum, customer, period).filter(({ licenses }) => licenses.includes(license))
  const { currency } = agreed.charge
  const definition = priceSchema.parse({ model: 'per_unit', currency, unit_amount })
  return rateUsage(definition, { quantity: figure(sum, events) }).total.amount
}

interface Charged {
  subscription?: string | undefined
  subscriptionItem?: string | undefined
  kind: string
  price?: string | undefined
  period: Stretch
}

/** Nothing goes uncharged: of a subscription that nobody touched, each price covers all time without a gap. */
async function gaps(
  market: Marketplace,
  about: {
    billed: readonly { subscription: string; item: string; period: Stretch }[]
    lines: readonly Charged[]
  },
): Promise<string[]> {
  const { model } = market
  const wrong: string[] = []
  for (const { id, status, items, period, start, trialEnd } of await allOf(market, subscriptions.byTenant)) {
    if (status !== 'active' || model.touched.has(id)) continue
    for (const item of items) {
      const { amends, charge } = model.licenses.get(item.license ?? '') ?? {}
      // What is due once covers no time, and an amendment comes when it comes.
      if (amends || charge?.pricing.model === 'per_item' || charge?.pricing.model === 'upfront_royalty')
        continue
      const metered =
        charge?.pricing.model === 'usage' ||
        model.prices.find((price) => price.id === item.price)?.meter !== undefined
      const charged = metered
        ? about.billed.filter((one) => one.subscription === id && one.item === item.id)
        : about.lines.filter(
            (line) =>
              line.subscription === id && line.subscriptionItem === item.id && line.price === item.price,
          )
      const end = metered ? period.start : period.end
      if (!covers(charged, { start: trialEnd ?? start, end }))
        wrong.push(`${id}: item ${item.id} leaves gaps`)
    }
  }
  return wrong
}

/** Whether periods follow one another, each once, over all of a stretch. */
function covers(charged: readonly { period: Stretch }[], { start, end }: Stretch): boolean {
  const sorted = charged.map(({ period }) => period).toSorted((a, b) => a.start.getTime() - b.start.getTime())
  let reached = start.getTime()
  for (const period of sorted) {
    if (period.start.getTime() !== reached) return false
    reached = period.end.getTime()
  }
  return reached === end.getTime()
}

const sumOf = (lines: readonly { amount: string }[]) =>
  lines.reduce((sum, { amount }) => sum + BigInt(amount), 0n)

/** The events in the form that a price rates. */
function usageFor(price: Price, meter: ModelMeter, events: readonly ModelEvent[]): Usage {
  const parts = price.model === 'matrix' ? price.rows.map(({ charge }) => charge) : [price]
  const ofDefault = price.model === 'matrix' && price.default ? [price.default] : []
  const byEvent = [...parts, ...ofDefault].some(
    (part) =>
      part.model === 'percentage' &&
      (part.fixed_amount ??
        part.minimum_amount ??
        part.maximum_amount ??
        part.free_events ??
        part.free_amount) !== undefined,
  )
  const dimensionsOf = (country: string | undefined) => (country === undefined ? {} : { country })
  if (byEvent)
    return {
      events: events.map(({ effective = '0', country }) => ({
        quantity: '1',
        amount: effective,
        dimensions: dimensionsOf(country),
      })),
    }
  if (price.model !== 'matrix') return { quantity: figure(meter, events) }
  const groups = Map.groupBy(events, ({ country }) => country)
  return {
    byDimension: [...groups].map(([country, own]) => ({
      dimensions: dimensionsOf(country),
      quantity: figure(meter, own),
    })),
  }
}

/** Usage of one item must not be charged twice. */
function overlaps(
  billed: readonly { subscription: string; price: string; period: Stretch; id: string }[],
): string[] {
  const rows = Map.groupBy(billed, ({ subscription, price }) => `${subscription} ${price}`)
  return [...rows.values()].flatMap((row) => {
    const sorted = row.toSorted((a, b) => a.period.start.getTime() - b.period.start.getTime())
    return sorted.flatMap(({ id, period }, place) => {
      const next = sorted[place + 1]
      return next && next.period.start < period.end ? [`${id} and ${next.id} charge the same time`] : []
    })
  })
}
