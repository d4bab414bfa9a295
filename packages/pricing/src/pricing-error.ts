/** Why usage could not be rated, a period not be cut, or an explanation not be replayed. */
export type PricingErrorCode =
  | 'bad_quantity'
  | 'events_required'
  | 'amount_required'
  | 'no_price_for_dimensions'
  | 'explanation_broken'
  | 'bad_period'

/** A refusal by this package. The message names the values and may be shown to the caller. */
export class PricingError extends Error {
  override readonly name = 'PricingError'
  readonly code: PricingErrorCode

  constructor(code: PricingErrorCode, message: string) {
    super(message)
    this.code = code
  }
}
