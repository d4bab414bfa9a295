import { Temporal } from 'temporal-polyfill'

/** A calendar day of a zone: when it begins, and whether it is one of 24 hours on which no clock is changed. */
interface LocalDay {
  readonly start: number
  readonly end: number
  readonly isPlain: boolean
}

/** A moment as a zone's calendar and clocks show it. */
export interface LocalMoment {
  readonly year: number
  /** 1 to 12. */
  readonly month: number
  readonly day: number
  /** Since midnight; known on plain days only, where all moments of the day are midnight and so much more. */
  readonly sinceMidnightMs: number | undefined
}

const dayMs = 86_400_000
const mostDays = 20_000
// Days are shared by all who are billed in a zone; asking the calendar for each of them anew is what takes long.
const days = new Map<string, LocalDay>()

/** The moment so long after midnight of a date; undefined where the clocks are changed on that day. */
export function onPlainDay(
  zone: string,
  { year, month, day }: Pick<LocalMoment, 'year' | 'month' | 'day'>,
  sinceMidnightMs: number,
): Date | undefined {
  const found = dayOf(zone, year, month, day)
  return found.isPlain ? new Date(found.start + sinceMidnightMs) : undefined
}

/** Which date, and how long after midnight, a moment is in a zone. */
export function localMoment(zone: string, at: Date): LocalMoment {
  const time = at.getTime()
  for (const shift of [0, -1, 1]) {
    const near = new Date(time + shift * dayMs)
    const date = { year: near.getUTCFullYear(), month: near.getUTCMonth() + 1, day: near.getUTCDate() }
    const { start, end, isPlain } = dayOf(zone, date.year, date.month, date.day)
    if (start <= time && time < end) return { ...date, sinceMidnightMs: isPlain ? time - start : undefined }
  }
  // Only where a zone has left out a day or had one twice.
  const { year, month, day } = Temporal.Instant.fromEpochMilliseconds(time).toZonedDateTimeISO(zone)
  return { year, month, day, sinceMidnightMs: undefined }
}

function dayOf(zone: string, year: number, month: number, day: number): LocalDay {
  const key = `${zone} ${year}-${month}-${day}`
  const known = days.get(key)
  if (known) return known
  const date = Temporal.PlainDate.from({ year, month, day })
  const first = date.toZonedDateTime(zone)
  const start = first.epochMilliseconds
  const end = date.add({ days: 1 }).toZonedDateTime(zone).epochMilliseconds
  const isMidnight = first.hour === 0 && first.minute === 0 && first.second === 0
  const found = { start, end, isPlain: isMidnight && end - start === dayMs }
  if (days.size >= mostDays) days.clear()
  days.set(key, found)
  return found
}
