import type { Deps } from '../deps.ts'
import { meters } from './collections.ts'
import type { UsageEvent } from './collections.ts'
import { fieldValues, groupOf, isCounted } from './event-fields.ts'
import { eventsBetween } from './hour-events.ts'
import { readPlaces } from './read-places.ts'
import { searchedEvents, searchedField } from './search-events.ts'
import { createTally } from './tally.ts'
import type { Tally } from './tally.ts'
import { hourMs, timePieces } from './time-pieces.ts'
import type { TimePieces } from './time-pieces.ts'
import type { UsageQuestion } from './usage-question.ts'

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

/**
 * Exact figures: whole hours come from what the meter keeps of them, hours that a cut goes through from their events,
 * as does everything while the meter is being built, and what is asked by what the meter does not keep apart.
 */
export async function readUsage(deps: Pick<Deps, 'store'>, question: UsageQuestion): Promise<UsageFigures> {
  const { meter } = question
  const figures = await readOnce(deps, question)
  const now = await deps.store.get(meters, meter.id)
  // Rebuilt meanwhile: what was being read may be gone.
  return now && now.epoch !== meter.epoch ? readUsage(deps, { ...question, meter: now }) : figures
}

async function readOnce(deps: Pick<Deps, 'store'>, question: UsageQuestion): Promise<UsageFigures> {
  const { meter, cuts } = question
  const pieces = timePieces(cuts)
  const figures = collectFigures(question)
  const addEvents = (events: readonly UsageEvent[]) => {
    for (const event of events) {
      const piece = pieces.at(event.occurredAt.getTime())
      if (piece < 0 || !isAsked(question, event)) continue
      figures.add(piece, groupOf(meter, event), (tally) => tally.addEvent(event))
    }
  }
  const searched = searchedField(question)
  if (searched !== undefined) addEvents(await searchedEvents(deps, question, { field: searched, ...pieces }))
  else if (meter.status === 'building') addEvents(await eventsBetween(deps, question, pieces))
  else {
    await readPlaces(deps, question, pieces, figures.add)
    addEvents(await cutEvents(deps, question, pieces))
  }
  return figures.told()
}

/** Takes in figures by piece of time and group values (all those of the meter). */
function collectFigures({ meter, groupBy }: UsageQuestion) {
  const total = createTally(meter)
  const tallies = new Map<string, { piece: number; group: string[]; tally: Tally }>()
  const places = groupBy.map((field) => meter.groupBy.indexOf(field))
  const add = (piece: number, values: readonly string[], into: (tally: Tally) => void): void => {
    const group = places.map((place) => values[place] ?? '')
    // No value holds this control character.
    const key = `${piece}\u0001${group.join('\u0001')}`
    let found = tallies.get(key)
    if (!found) tallies.set(key, (found = { piece, group, tally: createTally(meter) }))
    into(found.tally)
    into(total)
  }
  const told = (): UsageFigures => {
    const rows = [...tallies.values()].map(({ piece, group, tally }) => ({
      name: group.join('\n'),
      row: { piece, group, quantity: tally.figure() },
    }))
    rows.sort((a, b) => a.row.piece - b.row.piece || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
    return { rows: rows.map(({ row }) => row), total: total.figure() }
  }
  return { add, told }
}

/** The events of the hours that a cut goes through, as far as they lie between the first and the last. */
async function cutEvents(
  deps: Pick<Deps, 'store'>,
  question: UsageQuestion,
  { from, before, cutHours }: TimePieces,
): Promise<UsageEvent[]> {
  const found = await Promise.all(
    cutHours.map((hour) =>
      eventsBetween(deps, question, {
        from: new Date(Math.max(hour, from.getTime())),
        before: new Date(Math.min(hour + hourMs, before.getTime())),
      }),
    ),
  )
  return found.flat()
}

function isAsked({ meter, customer, apiKey, license }: UsageQuestion, event: UsageEvent): boolean {
  return (
    isCounted(meter, event) &&
    (customer === undefined || event.customer === customer) &&
    (apiKey === undefined || event.apiKey === apiKey) &&
    (license === undefined || fieldValues(event, 'license').includes(license))
  )
}
