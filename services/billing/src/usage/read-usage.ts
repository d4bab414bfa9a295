import { Fault } from '@tallystick/protocol'
import type { Deps } from '../deps.ts'
import { meters, usageDays, usageEvents, usageMembers, usageValues } from './collections.ts'
import type { Meter, UsageEvent } from './collections.ts'
import { fieldValues, groupOf, isCounted } from './event-fields.ts'
import { seriesOf } from './feed-meters.ts'
import { hoursOf } from './hour-columns.ts'
import { counts, eventsBetween } from './hour-events.ts'
import { createTally } from './tally.ts'
import type { Tally } from './tally.ts'

/** What usage is read: of a meter, between the first and the last of `cuts`, told for each piece between two. */
export interface UsageQuestion {
  tenant: string
  meter: Meter
  /** All customers of the tenant where absent. */
  customer?: string | undefined
  apiKey?: string | undefined
  license?: string | undefined
  /** Ascending. */
  cuts: readonly Date[]
  /** Some of the meter's group-by fields. */
  groupBy: readonly string[]
}

/** The figure of one piece of time and one combination of group values. */
export interface UsageRow {
  /** The piece between `cuts[piece]` and the next. */
  piece: number
  group: readonly string[]
  quantity: string
}

/** Rows in the order of time and group, and the figure of all together: of max, last and unique it is not their sum. */
export interface UsageFigures {
  rows: UsageRow[]
  total: string
}

const hourMs = 3_600_000
const dayMs = 24 * hourMs
/** The most events that a question about a key or a license may have to read. */
export const mostEventsRead = 100_000

/**
 * Exact figures: whole hours come from buckets, hours that a cut goes through from their events, as does everything
 * while the meter is being built, and what is asked by a key or license that the meter does not keep apart.
 */
export async function readUsage(deps: Pick<Deps, 'store'>, question: UsageQuestion): Promise<UsageFigures> {
  const { meter } = question
  const figures = await readOnce(deps, question)
  const now = await deps.store.get(meters, meter.id)
  // Rebuilt meanwhile: the buckets that were being read may be gone.
  return now && now.epoch !== meter.epoch ? readUsage(deps, { ...question, meter: now }) : figures
}

async function readOnce(deps: Pick<Deps, 'store'>, question: UsageQuestion): Promise<UsageFigures> {
  const { meter, cuts, groupBy } = question
  const total = createTally(meter)
  const tallies = new Map<string, { piece: number; group: readonly string[]; tally: Tally }>()
  const places = groupBy.map((field) => meter.groupBy.indexOf(field))
  const add = (at: Date, values: readonly string[], into: (tally: Tally) => void) => {
    const piece = pieceOf(cuts, at)
    if (piece === undefined) return
    const group = places.map((place) => values[place] ?? '')
    // No value holds this control character.
    const key = `${piece}\u0001${group.join('\u0001')}`
    const found = tallies.get(key) ?? { piece, group, tally: createTally(meter) }
    tallies.set(key, found)
    into(found.tally)
    into(total)
  }
  const addEvent = (event: UsageEvent) => {
    if (isAsked(question, event))
      add(event.occurredAt, groupOf(meter, event), (tally) => tally.addEvent(event))
  }
  const searched = searchedField(question)
  if (searched !== undefined) for (const event of await eventsFound(deps, question, searched)) addEvent(event)
  else if (meter.status === 'building') {
    for (const event of await eventsBetween(deps, { ...question, ...wholeOf(cuts) })) addEvent(event)
  } else {
    await addBuckets(deps, question, add)
    for (const event of await cutEvents(deps, question)) addEvent(event)
  }
  const rows = [...tallies.values()]
    .map(({ piece, group, tally }) => ({ piece, group, quantity: tally.figure() }))
    .sort((a, b) => a.piece - b.piece || compareText(a.group.join('\n'), b.group.join('\n')))
  return { rows, total: total.figure() }
}

type Adding = (at: Date, values: readonly string[], into: (tally: Tally) => void) => void

async function addBuckets(
  { store }: Pick<Deps, 'store'>,
  question: UsageQuestion,
  add: Adding,
): Promise<void> {
  const { tenant, meter, customer, cuts } = question
  const { from, before } = wholeOf(cuts)
  const cutHours = new Set(hoursCut(cuts))
  const isWhole = (hour: Date) => hour >= from && hour < before && !cutHours.has(hour.getTime())
  const all = [tenant, seriesOf(meter)]
  const range = { from, before }
  if (meter.aggregation === 'count' || meter.aggregation === 'sum') {
    const days = { from: new Date(Math.floor(from.getTime() / dayMs) * dayMs), before }
    const found =
      customer === undefined
        ? store.scan(usageDays.byDay, { equals: all, range: days })
        : store.scan(usageDays.byCustomer, { equals: [...all, customer], range: days })
    for await (const day of found) {
      if (!isGroupAsked(question, day.group)) continue
      for (const one of hoursOf(day))
        if (isWhole(one.hour)) add(one.hour, day.group, (tally) => tally.addHour(one))
    }
  } else if (meter.aggregation === 'unique') {
    const found =
      customer === undefined
        ? store.scan(usageMembers.byHour, { equals: all, range })
        : store.scan(usageMembers.byCustomer, { equals: [...all, customer], range })
    for await (const one of found) {
      if (one.uses > 0n && isWhole(one.hour) && isGroupAsked(question, one.group))
        add(one.hour, one.group, (tally) => tally.addMember(one))
    }
  } else {
    const found =
      customer === undefined
        ? store.scan(usageValues.byHour, { equals: all, range })
        : store.scan(usageValues.byCustomer, { equals: [...all, customer], range })
    for await (const one of found) {
      if (one.value !== undefined && isWhole(one.hour) && isGroupAsked(question, one.group))
        add(one.hour, one.group, (tally) => tally.addValue(one))
    }
  }
}

/** The events of the hours that a cut goes through, as far as they lie between the first and the last. */
async function cutEvents(deps: Pick<Deps, 'store'>, question: UsageQuestion): Promise<UsageEvent[]> {
  const { tenant, customer, cuts } = question
  const { from, before } = wholeOf(cuts)
  const found = await Promise.all(
    hoursCut(cuts).map((hour) =>
      eventsBetween(deps, {
        tenant,
        customer,
        from: new Date(Math.max(hour, from.getTime())),
        before: new Date(Math.min(hour + hourMs, before.getTime())),
      }),
    ),
  )
  return found.flat()
}

/** The field that is asked for and that the meter does not keep apart: only the events know it. */
function searchedField({ meter, apiKey, license }: UsageQuestion): 'api_key' | 'license' | undefined {
  if (license !== undefined && !meter.groupBy.includes('license')) return 'license'
  return apiKey !== undefined && !meter.groupBy.includes('api_key') ? 'api_key' : undefined
}

async function eventsFound(
  { store }: Pick<Deps, 'store'>,
  { tenant, apiKey, license, cuts }: UsageQuestion,
  field: 'api_key' | 'license',
): Promise<UsageEvent[]> {
  const range = wholeOf(cuts)
  const found =
    field === 'license'
      ? store.scan(usageEvents.byLicense, { equals: [tenant, license ?? ''], range })
      : store.scan(usageEvents.byKey, { equals: [tenant, apiKey ?? ''], range })
  const events: UsageEvent[] = []
  let read = 0
  for await (const event of found) {
    if (++read > mostEventsRead) {
      const message = `holds more than ${mostEventsRead} events of this ${field}`
      const fix = `Ask for less time, or use a meter that has ${field} in its group_by.`
      throw new Fault('validation_failed', { errors: [{ pointer: '/from', message, fix }] })
    }
    if (counts(event)) events.push(event)
  }
  return events
}

function isAsked({ meter, customer, apiKey, license }: UsageQuestion, event: UsageEvent): boolean {
  return (
    isCounted(meter, event) &&
    (customer === undefined || event.customer === customer) &&
    (apiKey === undefined || event.apiKey === apiKey) &&
    (license === undefined || fieldValues(event, 'license').includes(license))
  )
}

function isGroupAsked({ meter, apiKey, license }: UsageQuestion, group: readonly string[]): boolean {
  const holds = (field: string, value: string | undefined) =>
    value === undefined || group[meter.groupBy.indexOf(field)]?.split('\n').includes(value) === true
  return holds('api_key', apiKey) && holds('license', license)
}

function wholeOf(cuts: readonly Date[]): { from: Date; before: Date } {
  const [from, before] = [cuts[0], cuts.at(-1)]
  if (!from || !before) throw new TypeError('a stretch of time has a beginning and an end')
  return { from, before }
}

function hoursCut(cuts: readonly Date[]): number[] {
  const cut = cuts.filter((at) => at.getTime() % hourMs !== 0)
  return [...new Set(cut.map((at) => Math.floor(at.getTime() / hourMs) * hourMs))]
}

function pieceOf(cuts: readonly Date[], at: Date): number | undefined {
  let [low, high] = [0, cuts.length - 1]
  const after = (place: number) => (cuts[place]?.getTime() ?? Infinity) > at.getTime()
  if (after(0) || !after(high)) return undefined
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if (after(middle)) high = middle
    else low = middle
  }
  return low
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
