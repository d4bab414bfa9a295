/** Why an amount, currency, decimal or split was refused. */
export type MoneyErrorCode =
  | 'currency_unknown'
  | 'currency_withdrawn'
  | 'currency_without_minor_unit'
  | 'currency_mismatch'
  | 'amount_out_of_range'
  | 'bad_decimal'
  | 'division_by_zero'
  | 'bad_weights'

/** A refusal by this package. The message names the values and may be shown to the caller. */
export class MoneyError extends Error {
  override readonly name = 'MoneyError'
  readonly code: MoneyErrorCode

  constructor(code: MoneyErrorCode, message: string) {
    super(message)
    this.code = code
  }
}
