import { TRPCError } from '@trpc/server'
import type { TRPC_ERROR_CODE_KEY } from '@trpc/server'
import { errorTable, Fault } from '@tallystick/protocol'
import type { ErrorCode, FieldError } from '@tallystick/protocol'
import { StorageError } from '@tallystick/storage'
import { z } from 'zod'

/** The body of a refused request (RFC 9457, `application/problem+json`). */
export const problemDocument = z
  .strictObject({
    type: z.url(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    fix: z.string(),
    instance: z.string(),
    code: z.string(),
    request_id: z.string(),
    errors: z
      .array(z.strictObject({ pointer: z.string(), message: z.string(), fix: z.string().optional() }))
      .optional(),
  })
  .meta({ id: 'Problem' })
export type ProblemDocument = z.infer<typeof problemDocument>

/** What a caller is told of `fault`. `cause` and stack stay behind. */
export function describeFault(
  fault: Fault,
  request: { docsUrl: string; instance: string; requestId: string },
): ProblemDocument {
  const entry = errorTable[fault.code]
  const document: ProblemDocument = {
    type: `${request.docsUrl}#${fault.code}`,
    title: entry.title,
    status: entry.status,
    detail: fault.detail,
    fix: entry.fix,
    instance: request.instance,
    code: fault.code,
    request_id: request.requestId,
  }
  if (fault.errors) document.errors = fault.errors.map((error) => ({ ...error }))
  return document
}

const byTrpcCode: Partial<Record<TRPC_ERROR_CODE_KEY, ErrorCode>> = {
  PARSE_ERROR: 'invalid_json',
  BAD_REQUEST: 'bad_request',
  NOT_FOUND: 'route_not_found',
  METHOD_NOT_SUPPORTED: 'method_not_allowed',
  UNSUPPORTED_MEDIA_TYPE: 'unsupported_media_type',
  PAYLOAD_TOO_LARGE: 'payload_too_large',
}

const byStatus: Record<number, TRPC_ERROR_CODE_KEY> = {
  400: 'BAD_REQUEST',
  401: 'UNAUTHORIZED',
  403: 'FORBIDDEN',
  404: 'NOT_FOUND',
  405: 'METHOD_NOT_SUPPORTED',
  408: 'TIMEOUT',
  409: 'CONFLICT',
  410: 'NOT_FOUND',
  413: 'PAYLOAD_TOO_LARGE',
  415: 'UNSUPPORTED_MEDIA_TYPE',
  422: 'UNPROCESSABLE_CONTENT',
  429: 'TOO_MANY_REQUESTS',
  503: 'SERVICE_UNAVAILABLE',
}

/** `fault` as tRPC throws it, with the fault as its cause. */
export function toTrpcError(fault: Fault): TRPCError {
  const code = byStatus[errorTable[fault.code].status] ?? 'INTERNAL_SERVER_ERROR'
  return new TRPCError({ code, message: fault.detail, cause: fault })
}

/** Any thrown value as the fault that a caller may see; what nobody foresaw becomes `internal`. */
export function toFault(error: unknown): Fault {
  if (error instanceof Fault) return error
  if (error instanceof TRPCError) return fromTrpcError(error)
  if (error instanceof StorageError) return fromStorageError(error)
  if (error instanceof Error && 'code' in error && String(error.code).startsWith('FST_')) {
    return fromFastifyError(error, String(error.code))
  }
  // As the server tells that the sender went away before its body was read.
  if (error instanceof Error && 'code' in error && error.code === 'ECONNRESET' && 'statusCode' in error)
    return new Fault('bad_request', { detail: 'The sender went away amid the body', cause: error })
  return new Fault('internal', { cause: error })
}

function fromTrpcError(error: TRPCError): Fault {
  if (error.cause instanceof Fault) return error.cause
  if (error.code === 'BAD_REQUEST' && error.cause instanceof z.core.$ZodError)
    return invalidFields(error.cause)
  if (error.cause instanceof StorageError) return fromStorageError(error.cause)
  const code = byTrpcCode[error.code]
  return code ? new Fault(code, { cause: error }) : new Fault('internal', { cause: error.cause ?? error })
}

function fromStorageError(error: StorageError): Fault {
  if (error.code === 'Unavailable') return new Fault('unavailable', { cause: error })
  if (error.code === 'StaleVersion') return new Fault('conflict', { cause: error })
  if (error.code === 'TooLarge') return new Fault('payload_too_large', { cause: error })
  return new Fault('internal', { cause: error })
}

function fromFastifyError(error: Error, code: string): Fault {
  const status = 'statusCode' in error ? error.statusCode : 500
  if (status === 413) return new Fault('payload_too_large', { cause: error })
  if (status === 415) return new Fault('unsupported_media_type', { cause: error })
  if (status === 404) return new Fault('route_not_found', { cause: error })
  if (typeof status === 'number' && status >= 400 && status < 500) {
    return new Fault('bad_request', { detail: `The request cannot be read (${code})`, cause: error })
  }
  return new Fault('internal', { cause: error })
}

const maxFieldErrors = 50

/** The fault for input that a schema refused, with an RFC 6901 pointer to each bad field. */
export function invalidFields(error: z.core.$ZodError): Fault {
  const errors: FieldError[] = []
  for (const issue of error.issues) {
    if (issue.code === 'unrecognized_keys') {
      for (const key of issue.keys) {
        errors.push({
          pointer: jsonPointer([...issue.path, key]),
          message: 'is not a known field',
          fix: 'Remove it or mend its name.',
        })
      }
    } else {
      // Of a name in a record, what is wrong with it stands one level down.
      const [inner] = issue.code === 'invalid_key' ? issue.issues : []
      errors.push({ pointer: jsonPointer(issue.path), message: inner?.message ?? issue.message })
    }
    if (errors.length >= maxFieldErrors) break
  }
  return new Fault('validation_failed', { errors, cause: error })
}

/** An RFC 6901 pointer to the field at `path`. */
export function jsonPointer(path: readonly PropertyKey[]): string {
  return path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}
