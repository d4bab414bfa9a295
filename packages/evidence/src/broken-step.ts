/** Ends a verification: the named step shows that the evidence is wrong. Never leaves this package. */
export class BrokenStep extends Error {
  override readonly name = 'BrokenStep'
  readonly step: string

  constructor(step: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.step = step
  }
}

/** Runs a parser or verifier; what it throws is the evidence's fault and breaks the step. */
export function step<T>(name: string, run: () => T): T {
  try {
    return run()
  } catch (cause) {
    throw brokenBy(name, cause)
  }
}

/** The broken step for whatever was thrown in it. */
export function brokenBy(name: string, cause: unknown): BrokenStep {
  if (cause instanceof BrokenStep) return cause
  const message = cause instanceof Error ? cause.message : 'cannot be read'
  return new BrokenStep(name, message, { cause })
}
