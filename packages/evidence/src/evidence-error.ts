/** A refusal by this package: what it was given cannot be used at all. */
export class EvidenceError extends Error {
  override readonly name = 'EvidenceError'
  readonly code: 'bad_bundle' | 'bad_policy' | 'bad_requirement'

  constructor(code: EvidenceError['code'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
