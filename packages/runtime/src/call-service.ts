import { Fault } from '@tallystick/protocol'

/** Another service over HTTP. `key` has the scope `service`. */
export interface RemoteService {
  /** What it is called in a refusal, such as `licensing`. */
  name: string
  url: string
  key: string
}

/** What is asked of another service: POST with a `body`, else GET. */
export interface ServiceCall {
  path: string
  /** On whose behalf: the Tallystick-Tenant header. */
  tenant?: string
  body?: object
  idempotencyKey?: string
  /** How long the answer is waited for; 10 s unless told. */
  timeoutMs?: number
}

/** The answer of a service, with its JSON. */
export interface ServiceAnswer {
  status: number
  body: unknown
}

// Of the same answer: to whoever asks this service it means that a part cannot be reached.
const closedDoors = new Set([401, 403, 429])

/**
 * Asks another service; gives its answer, refusals of the request among them. Throws Fault `unavailable` when it does
 * not answer in time, fails, or refuses this service's key: the reason is the cause, for the log alone.
 */
export async function callService(remote: RemoteService, call: ServiceCall): Promise<ServiceAnswer> {
  try {
    return await ask(remote, call)
  } catch (cause) {
    throw new Fault('unavailable', {
      detail: `The ${remote.name} service does not answer at the moment`,
      cause,
    })
  }
}

async function ask({ name, url, key }: RemoteService, call: ServiceCall): Promise<ServiceAnswer> {
  const { path, tenant, body, idempotencyKey, timeoutMs = 10_000 } = call
  const response = await fetch(url.replace(/\/$/, '') + path, {
    method: body ? 'POST' : 'GET',
    headers: {
      authorization: `Bearer ${key}`,
      ...(tenant !== undefined && { 'tallystick-tenant': tenant }),
      ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }),
      ...(body && { 'content-type': 'application/json' }),
    },
    ...(body && { body: JSON.stringify(body) }),
    redirect: 'error',
    signal: AbortSignal.timeout(timeoutMs),
  })
  const { status } = response
  const text = await response.text()
  if (status >= 500 || closedDoors.has(status))
    throw new Error(`${name} answered ${path} with ${status}: ${text}`)
  return { status, body: JSON.parse(text) }
}

/** The body of an answer with status 2xx. Throws for any other: then this service asked what it may not ask. */
export function bodyOf({ path }: ServiceCall, { status, body }: ServiceAnswer): unknown {
  if (status >= 200 && status < 300) return body
  throw new Error(`${path} was answered with ${status}: ${JSON.stringify(body)}`)
}
