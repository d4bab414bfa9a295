/** Why a pool did not sign, though the payloads may be fine: a thread died under the batch, or the pool is closed. */
export type SigningPoolErrorCode = 'thread_died' | 'closed'

/** A refusal by the signing pool. Nothing of the batch was signed as far as the caller can know; it may be tried again. */
export class SigningPoolError extends Error {
  override readonly name = 'SigningPoolError'
  readonly code: SigningPoolErrorCode

  constructor(code: SigningPoolErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
