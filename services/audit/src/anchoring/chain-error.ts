/**
 * Why a chain did not do what was asked. `unreachable`: no URL gave a usable answer. `wrong_chain`: every URL that
 * answers is another chain. `rejected`: a node refused the request, and another would too. `reverted`: the contract did.
 * `kms_unreachable`, `kms_refuses`: the KMS with the account's key did not answer, or did not sign.
 */
export type ChainErrorCode =
  | 'unreachable'
  | 'wrong_chain'
  | 'rejected'
  | 'reverted'
  | 'kms_unreachable'
  | 'kms_refuses'

/** Thrown by everything that talks to a chain. Its message is safe to show: URLs appear by host alone. */
export class ChainError extends Error {
  override readonly name = 'ChainError'
  readonly code: ChainErrorCode
  /** Of `reverted`: the ABI-encoded error, `0x…`, where the node tells it. */
  readonly data: string | undefined

  constructor(
    code: ChainErrorCode,
    message: string,
    options: { data?: string | undefined; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.data = options.data
  }
}
