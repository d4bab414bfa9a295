export { explanation } from './explanation.ts'
export type { Explanation, Step } from './explanation.ts'
export { explainRest, reverseExplanation } from './explain-rest.ts'
export type { Rest } from './explain-rest.ts'
export { price } from './price.ts'
export type { Charge, MatrixPrice, Price, PriceInput } from './price.ts'
export { PricingError } from './pricing-error.ts'
export type { PricingErrorCode } from './pricing-error.ts'
export { rateUsage } from './rate-usage.ts'
export type { RatedLine, Rating, RatingContext } from './rate-usage.ts'
export { replayExplanation } from './replay-explanation.ts'
export { replaceRating, rerate } from './rerate.ts'
export type { Rerating } from './rerate.ts'
export type { Dimensions, PricedEvent, Usage, UsageSlice } from './usage.ts'
export {
  addEvent,
  aggregate,
  aggregateValue,
  emptyAggregate,
  isAdditive,
  mergeAggregates,
  removeEvent,
} from './aggregate.ts'
export type { AggregateState, Aggregation, MeterEvent } from './aggregate.ts'
export { billingPeriodAt, billingPeriods } from './billing-periods.ts'
export type { BillingSchedule } from './billing-periods.ts'
export { periodFraction, prorateChange, shareOfPeriod } from './prorate.ts'
export type { PeriodChange, ProrationUnit } from './prorate.ts'
export type { Fraction, Period, Share } from './share.ts'
export { isTimeZone } from './time-zone.ts'
