/**
 * Why the KMS did not do what was asked. `unreachable`: no usable answer, or it is overloaded; that may pass by itself.
 * `refused`: it said no, and somebody has to change a key, a policy or the credentials.
 */
export type KmsErrorCode = 'unreachable' | 'refused'

/** Thrown by everything that asks the KMS. Its message is safe to show: it names no key, account or address. */
export class KmsError extends Error {
  override readonly name = 'KmsError'
  readonly code: KmsErrorCode

  constructor(code: KmsErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
