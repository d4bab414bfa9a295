import type { Collection, Index } from '@tallystick/storage'
import type { Deps } from '../deps.ts'
import { usageDays, usageMembers, usageValues } from './collections.ts'
import type { UsageDay } from './collections.ts'
import { keepsApart } from './event-fields.ts'
import type { Place } from './feeding.ts'
import { sumHours } from './hour-columns.ts'
import { readEach } from './hour-events.ts'
import type { Tally } from './tally.ts'
import { dayMs } from './time-pieces.ts'
import type { TimePieces } from './time-pieces.ts'
import type { UsageQuestion } from './usage-question.ts'

type Adding = (piece: number, group: readonly string[], into: (tally: Tally) => void) => void
type Placed = Pick<UsageDay, 'id' | 'customer' | 'day' | 'group'>

/** Adds what a meter keeps of the whole hours that are asked for. */
export async function readPlaces(
  { store }: Pick<Deps, 'store'>,
  question: UsageQuestion,
  pieces: TimePieces,
  add: Adding,
): Promise<void> {
  const { aggregation } = question.meter
  const each = <T extends Placed>(
    places: Collection<T> & { byHolder: Index<T>; byDay: Index<T> },
    visit: (place: T, pieces: readonly number[]) => void,
  ) => {
    const { index, equals } = selection(question, places)
    const range = { from: new Date(Math.floor(pieces.from.getTime() / dayMs) * dayMs), before: pieces.before }
    return readEach(store, index, { equals, range }, (place) => {
      if (isPlaceAsked(question, place)) visit(place, pieces.hoursOf(place.day))
    })
  }
  if (aggregation === 'count' || aggregation === 'sum') {
    await each(usageDays, (day, hours) =>
      sumHours(day, aggregation, hours, (piece, counted) =>
        add(piece, day.group, (tally) => tally.addHours(counted)),
      ),
    )
  } else if (aggregation === 'unique') {
    await each(usageMembers, (one, hours) =>
      sumHours(one, aggregation, hours, (piece) =>
        add(piece, one.group, (tally) => tally.addMember(one.member)),
      ),
    )
  } else {
    await each(usageValues, (day, hours) => {
      for (const one of day.hours) {
        const piece = hours[one.hour] ?? -1
        if (piece >= 0) add(piece, day.group, (tally) => tally.addValue(one))
      }
    })
  }
}

/**
 * Which of a meter's places hold what is asked for: those of a customer, of an API key, of a license, or of all customers.
 * Undefined where only the events know: of a key and a license together, and of either where the meter keeps neither.
 */
export function placesAsked({
  meter,
  customer,
  apiKey,
  license,
}: UsageQuestion): { kind: Place['kind']; holder: string | undefined } | undefined {
  const isHidden = (field: string, value: string | undefined) =>
    value !== undefined && !meter.groupBy.includes(field)
  const [hidesKey, hidesLicense] = [isHidden('api_key', apiKey), isHidden('license', license)]
  if (!keepsApart(meter) || (hidesKey && hidesLicense))
    return hidesKey || hidesLicense ? undefined : { kind: 'customer', holder: customer }
  if (hidesLicense || (license !== undefined && !hidesKey)) return { kind: 'license', holder: license }
  return apiKey === undefined ? { kind: 'customer', holder: customer } : { kind: 'key', holder: apiKey }
}

function selection<T extends Placed>(
  question: UsageQuestion,
  { byHolder, byDay }: { byHolder: Index<T>; byDay: Index<T> },
) {
  const equals = [question.tenant, question.meter.series]
  const asked = placesAsked(question)
  if (!asked) throw new TypeError('no place holds what is asked for')
  const { kind, holder } = asked
  return holder === undefined
    ? { index: byDay, equals }
    : { index: byHolder, equals: [...equals, kind, holder] }
}

function isPlaceAsked(
  { meter, customer, apiKey, license }: UsageQuestion,
  place: Pick<Placed, 'customer' | 'group'>,
): boolean {
  const holds = (field: string, value: string | undefined) => {
    const at = meter.groupBy.indexOf(field)
    return value === undefined || at < 0 || place.group[at]?.split('\n').includes(value) === true
  }
  return (
    (customer === undefined || place.customer === customer) &&
    holds('api_key', apiKey) &&
    holds('license', license)
  )
}
