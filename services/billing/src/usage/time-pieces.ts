export const hourMs = 3_600_000
export const dayMs = 24 * hourMs

/** Ascending moments cut time into pieces; the first is before the second moment. */
export interface TimePieces {
  from: Date
  before: Date
  /** The piece that a moment lies in, −1 outside. */
  at(ms: number): number
  /** For each hour of a UTC day the piece that all of it lies in; −1 outside, and where a cut goes through it. */
  hoursOf(day: Date): readonly number[]
  /** The beginnings of the UTC hours that a cut goes through. */
  cutHours: readonly number[]
}

/** The pieces between moments, of which there must be two at least. */
export function timePieces(cuts: readonly Date[]): TimePieces {
  const [from, before] = [cuts[0], cuts.at(-1)]
  if (!from || !before) throw new TypeError('a stretch of time has a beginning and an end')
  const times = cuts.map((at) => at.getTime())
  const cutHours = new Set(
    times.filter((at) => at % hourMs !== 0).map((at) => Math.floor(at / hourMs) * hourMs),
  )
  const days = new Map<number, readonly number[]>()
  const hoursOf = (day: Date) => {
    const start = day.getTime()
    const known = days.get(start)
    if (known) return known
    const pieces = Array.from({ length: 24 }, (_, hour) => {
      const at = start + hour * hourMs
      return cutHours.has(at) ? -1 : pieceAt(times, at)
    })
    days.set(start, pieces)
    return pieces
  }
  return { from, before, at: (ms) => pieceAt(times, ms), hoursOf, cutHours: [...cutHours] }
}

function pieceAt(times: readonly number[], at: number): number {
  let [low, high] = [0, times.length - 1]
  if (at < (times[low] ?? Infinity) || at >= (times[high] ?? -Infinity)) return -1
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if ((times[middle] ?? Infinity) > at) high = middle
    else low = middle
  }
  return low
}
