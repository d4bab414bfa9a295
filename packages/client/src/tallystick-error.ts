import { errorTable } from '@tallystick/protocol'
import type { ErrorCode, FieldError } from '@tallystick/protocol'
import { TRPCClientError } from '@trpc/client'
import type { AnyTRPCRouter } from '@trpc/server'

/** Why there is no answer to tell of. */
export type TransportCode = 'network' | 'timeout' | 'aborted' | 'invalid_response'

/** A refusal as the API tells it (RFC 9457). */
export interface Problem {
  readonly code: string
  readonly status: number
  readonly detail: string
  readonly fix?: string | undefined
  readonly request_id?: string | undefined
  readonly errors?: readonly FieldError[] | undefined
}

/** The API refused the request, or failed at it. */
export class RefusedError extends TRPCClientError<AnyTRPCRouter> {
  override readonly name = 'RefusedError'
  /** By this a program decides. A code that this version does not know yet is told as `bad_request` or `internal`. */
  readonly code: ErrorCode
  readonly status: number
  /** Tell it to the operator when you ask about the refusal. */
  readonly requestId: string | undefined
  /** What to do about it. */
  readonly fix: string
  /** Which fields were refused, and why. */
  readonly errors: readonly FieldError[]
  /** The refusal as it came. */
  readonly problem: Problem

  constructor(problem: Problem) {
    super(problem.detail)
    // The base class makes each instance one of its own.
    Object.setPrototypeOf(this, new.target.prototype)
    this.code = knownCode(problem)
    this.status = problem.status
    this.requestId = problem.request_id
    this.fix = problem.fix ?? errorTable[this.code].fix
    this.errors = problem.errors ?? []
    this.problem = problem
  }
}

/** The API gave no answer, or one that is not its own. With the same idempotency key the request may be sent again. */
export class UnansweredError extends TRPCClientError<AnyTRPCRouter> {
  override readonly name = 'UnansweredError'
  readonly code: TransportCode
  /** Of an answer that came and was not the API's own. */
  readonly status: number | undefined
  readonly requestId: string | undefined
  readonly errors: readonly FieldError[] = []

  constructor(
    code: TransportCode,
    message: string,
    options: { cause?: unknown; status?: number; requestId?: string | undefined } = {},
  ) {
    super(message, options.cause instanceof Error ? { cause: options.cause } : {})
    Object.setPrototypeOf(this, new.target.prototype)
    this.code = code
    this.status = options.status
    this.requestId = options.requestId
  }
}

/** All that a call of the client rejects with; `code` tells the two kinds apart. */
export type TallystickError = RefusedError | UnansweredError

/** Whether `error` was thrown by a call of the client. */
export function isTallystickError(error: unknown): error is TallystickError {
  return error instanceof RefusedError || error instanceof UnansweredError
}

function knownCode({ code, status }: Problem): ErrorCode {
  if (isErrorCode(code)) return code
  return status < 500 ? 'bad_request' : 'internal'
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorTable, code)
}
