/** A stretch of time, half-open: `start` belongs to it, `end` does not. */
export interface Period {
  readonly start: Date
  readonly end: Date
}

/** A share of a period as an exact fraction; the denominator is positive. */
export interface Fraction {
  readonly numerator: bigint
  readonly denominator: bigint
}

/** A share with the stretches of time whose lengths in milliseconds it is made of, where it is. */
export interface Share extends Fraction {
  readonly part?: Period
  readonly whole?: Period
}
