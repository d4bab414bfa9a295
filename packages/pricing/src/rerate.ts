import { type Money, negateMoney, subtractMoney, sumMoney } from '@tallystick/money'
import { reverseExplanation } from './explain-rest.ts'
import type { Price } from './price.ts'
import { type RatedLine, rateUsage, type Rating, type RatingContext } from './rate-usage.ts'
import type { Usage } from './usage.ts'

/** What late usage changes: lines to take back, the lines that take their place, and the difference of the two. */
export interface Rerating {
  readonly reversal: Rating
  readonly line: Rating
  readonly difference: Money
}

/**
 * Rates all usage of a closed period again and books the change as reversals and new lines; lines that stay as they were
 * are left out. What was invoiced plus the difference is exactly what the whole usage costs.
 */
export function rerate(price: Price, before: Usage, after: Usage, context: RatingContext = {}): Rerating {
  return replaceRating(rateUsage(price, before, context), rateUsage(price, after, context))
}

/** As `rerate`, of a rating that was kept and the one that takes its place; both in one currency. */
export function replaceRating(old: Rating, now: Rating): Rerating {
  const unchanged = new Set(
    old.lines.map(textOf).filter((text) => now.lines.some((line) => textOf(line) === text)),
  )
  const isChanged = (line: RatedLine): boolean => !unchanged.has(textOf(line))
  const reversed = old.lines.filter(isChanged).map((line): RatedLine => ({
    ...line,
    reversal: true,
    amount: negateMoney(line.amount),
    explanation: reverseExplanation(line.explanation),
  }))
  const { currency } = old.total
  return {
    reversal: rating(reversed, currency),
    line: rating(now.lines.filter(isChanged), currency),
    difference: subtractMoney(now.total, old.total),
  }
}

function rating(lines: readonly RatedLine[], currency: string): Rating {
  return {
    lines,
    total: sumMoney(
      lines.map((line) => line.amount),
      currency,
    ),
  }
}

const textOf = (line: RatedLine): string => JSON.stringify([line.kind, line.dimensions, line.explanation])
