/** A sequence of random draws that its seed decides: the same seed, the same run. */
export interface Random {
  /** From 0 to `limit` − 1. */
  below(limit: number): number
  /** From `least` to `most`, both included. */
  between(least: number, most: number): number
  /** True with a probability. */
  chance(probability: number): boolean
  /** One of some values. Throws RangeError where there is none. */
  pick<T>(values: readonly T[]): T
  bytes(size: number): Uint8Array
}

/** Mulberry32: 32 bits of state, and good enough to draw test cases from. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  const draw = (): number => {
    state = (state + 0x6d_2b_79_f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (limit: number): number => Math.floor(draw() * limit)
  return {
    below,
    between: (least, most) => least + below(most - least + 1),
    chance: (probability) => draw() < probability,
    pick(values) {
      if (values.length === 0) throw new RangeError('there is nothing to pick from')
      return values[below(values.length)]!
    },
    bytes: (size) => Uint8Array.from({ length: size }, () => below(256)),
  }
}
