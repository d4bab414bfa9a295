/** One row of the error table: what a caller is told, and how to mend it. */
interface ErrorEntry {
  readonly status: number
  readonly title: string
  readonly fix: string
}

const table = {
  bad_request: {
    status: 400,
    title: 'The request cannot be read',
    fix: 'Send what the API reference shows for this route.',
  },
  invalid_json: {
    status: 400,
    title: 'The body is not valid JSON',
    fix: 'Send one JSON object in UTF-8, without duplicate members.',
  },
  validation_failed: {
    status: 400,
    title: 'Some fields are not as required',
    fix: 'Mend the fields that `errors` points at and send the request again.',
  },
  idempotency_key_missing: {
    status: 400,
    title: 'An idempotency key is required',
    fix: 'Send an Idempotency-Key header with a value of your own for this operation.',
  },
  idempotency_key_mismatch: {
    status: 400,
    title: 'Header and body name different idempotency keys',
    fix: 'Send the key once, or the same key in both places.',
  },
  unauthorized: {
    status: 401,
    title: 'A valid API key is required',
    fix: 'Send "Authorization: Bearer sk_…" with a key of this mode that is not revoked.',
  },
  forbidden: {
    status: 403,
    title: 'The key may not do this',
    fix: 'Use a key that has the scope, or belongs to the party, that `detail` names.',
  },
  not_found: {
    status: 404,
    title: 'There is no such object',
    fix: 'Check the id and that the key belongs to its owner and mode.',
  },
  license_not_found: {
    status: 404,
    title: 'There is no such license',
    fix: 'Check the id and that the key belongs to a party of the license, in its mode.',
  },
  route_not_found: {
    status: 404,
    title: 'There is no such route',
    fix: 'Look the route up in /v1/openapi.json or /docs.',
  },
  method_not_allowed: {
    status: 405,
    title: 'The route does not take this method',
    fix: 'Use a method that the Allow header names.',
  },
  request_timeout: {
    status: 408,
    title: 'The request did not arrive in time',
    fix: 'Send the request again, as a whole and without pauses.',
  },
  conflict: {
    status: 409,
    title: 'The object has changed meanwhile',
    fix: 'Read it again and repeat the change.',
  },
  invalid_state: {
    status: 409,
    title: 'The object is in a state that does not allow this',
    fix: 'Read its `status`; `detail` names the states from which this is possible.',
  },
  exclusivity_conflict: {
    status: 409,
    title: 'An exclusive license stands in the way',
    fix: 'Leave out the items named in `detail`, or wait until that license ends.',
  },
  already_exists: {
    status: 409,
    title: 'There is one already',
    fix: 'Use the object that is named in `detail`, or another name.',
  },
  idempotency_in_progress: {
    status: 409,
    title: 'The first request with this key is still running',
    fix: 'Wait a moment and send the same request again.',
  },
  event_conflict: {
    status: 409,
    title: 'The event id was used for other content',
    fix: 'Send a new event id, or the content that was sent first.',
  },
  proof_pending: {
    status: 409,
    title: 'The receipt is not in a published checkpoint yet',
    fix: 'Ask again after a second; `merge_by` in the receipt says how long it may take.',
  },
  body_erased: {
    status: 410,
    title: 'The body was erased',
    fix: 'The receipt and its proof still verify; only the event behind it is gone.',
  },
  payload_too_large: {
    status: 413,
    title: 'The body is too large',
    fix: 'Send fewer or smaller records in one request.',
  },
  unsupported_media_type: {
    status: 415,
    title: 'The content type is not supported',
    fix: 'Send Content-Type: application/json.',
  },
  idempotency_key_reused: {
    status: 422,
    title: 'The idempotency key was used for another request',
    fix: 'Use a new key for a new request.',
  },
  reference_not_found: {
    status: 422,
    title: 'The request names an object that does not exist',
    fix: 'Create the objects that `errors` points at first, or mend their ids.',
  },
  invalid_range: {
    status: 422,
    title: 'The range is not within the log',
    fix: 'Ask for sizes with 0 < from ≤ to ≤ the size of the published checkpoint.',
  },
  usage_cap_reached: {
    status: 429,
    title: 'A usage cap is reached',
    fix: 'Raise or remove the cap that `detail` names, or wait until its next period; the event was not recorded.',
  },
  rate_limited: { status: 429, title: 'Too many requests', fix: 'Wait as long as Retry-After says.' },
  headers_too_large: {
    status: 431,
    title: 'The headers are too large',
    fix: 'Send fewer or shorter headers, and a shorter URL.',
  },
  internal: {
    status: 500,
    title: 'Something went wrong on our side',
    fix: 'Send the request again; if it persists, report the request id.',
  },
  unavailable: {
    status: 503,
    title: 'A part of the service cannot be reached',
    fix: 'Send the request again after a moment.',
  },
} as const satisfies Record<string, ErrorEntry>

/** The code of a refusal: stable, part of the API. */
export type ErrorCode = keyof typeof table

/** Code → HTTP status, public title and fix. docs/errors.md is made from it. */
export const errorTable: Readonly<Record<ErrorCode, ErrorEntry>> = table

/** A field that was refused: an RFC 6901 pointer into the request, what is wrong, and what to do about it. */
export interface FieldError {
  readonly pointer: string
  readonly message: string
  readonly fix?: string
}

/** A refusal that a caller is told of. `detail` and `errors` are public; `cause` stays in the log. */
export class Fault extends Error {
  override readonly name = 'Fault'
  readonly code: ErrorCode
  readonly detail: string
  readonly errors: readonly FieldError[] | undefined

  constructor(
    code: ErrorCode,
    options: { detail?: string; errors?: readonly FieldError[]; cause?: unknown } = {},
  ) {
    const detail = options.detail ?? errorTable[code].title
    super(`${code}: ${detail}`, { cause: options.cause })
    this.code = code
    this.detail = detail
    this.errors = options.errors
  }
}
