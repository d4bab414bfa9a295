/** One figure of a run. `ratio` is to `against`; a `goal` is the least that the ratio should be. */
export interface Measure {
  group: string
  name: string
  value: number
  unit: string
  note?: string
  ratio?: number
  against?: string
  goal?: number
}

/** Collects the figures of a run and tells each as it comes; `added` hears of it too. */
export class Measures {
  readonly all: Measure[] = []
  readonly #added: (all: readonly Measure[]) => void

  constructor(added: (all: readonly Measure[]) => void) {
    this.#added = added
  }

  add(measure: Measure): Measure {
    this.all.push(measure)
    const ratio = measure.ratio === undefined ? '' : `, ${measure.ratio.toFixed(2)} × ${measure.against}`
    console.log(`  ${measure.group}: ${measure.name}: ${formatValue(measure.value)} ${measure.unit}${ratio}`)
    this.#added(this.all)
    return measure
  }
}

/** A number as people read it: three digits that count, thousands apart. */
export function formatValue(value: number): string {
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString('en-US')
  return Number(value.toPrecision(3)).toString()
}

/** Seconds that `work` took, and what it gave. */
export async function timed<T>(work: () => T | Promise<T>): Promise<{ seconds: number; result: T }> {
  const started = performance.now()
  const result = await work()
  return { seconds: (performance.now() - started) / 1000, result }
}

/** Calls of `work` a second, with `inFlight` at a time, over about `seconds`. */
export async function rateOf(
  work: (turn: number) => unknown,
  { inFlight = 1, seconds = 2 }: { inFlight?: number; seconds?: number } = {},
): Promise<number> {
  let turn = 0
  const started = performance.now()
  const end = started + seconds * 1000
  const worker = async () => {
    while (performance.now() < end) await work(turn++)
  }
  await Promise.all(Array.from({ length: inFlight }, worker))
  return turn / ((performance.now() - started) / 1000)
}
