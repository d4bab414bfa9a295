/** Why a receipt, a key or a key set was refused. */
export type ReceiptErrorCode =
  | 'malformed'
  | 'unknown_key'
  | 'wrong_algorithm'
  | 'bad_signature'
  | 'wrong_type'
  | 'key_not_valid_then'
  | 'bad_payload'
  | 'not_canonical'
  | 'bad_key'
  | 'bad_key_set'

/** A refusal by this package: `code` is for programs, `message` for people, `cause` for the log. */
export class ReceiptError extends Error {
  override readonly name = 'ReceiptError'
  readonly code: ReceiptErrorCode

  constructor(code: ReceiptErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
