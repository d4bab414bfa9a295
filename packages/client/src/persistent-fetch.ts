import { readRefusal } from './read-refusal.ts'
import { isTransient, retryDelayMs } from './retry-delay.ts'
import { isTallystickError, UnansweredError } from './tallystick-error.ts'
import type { TallystickError } from './tallystick-error.ts'

/** How long and how often a request is tried. */
export interface Persistence {
  /** How often a request is sent at most: 4 unless told. */
  attempts?: number | undefined
  /** How long one attempt may take, its answer included: 30,000 unless told. */
  attemptTimeoutMs?: number | undefined
  /** How long a call may take, all attempts and waits included: 120,000 unless told. */
  timeoutMs?: number | undefined
  /** The bound of the first random wait; it doubles with each failure: 250 unless told. */
  firstDelayMs?: number | undefined
  /** Sends a request: the platform's `fetch` unless told. */
  fetch?: ((url: string, init: RequestInit) => Promise<Response>) | undefined
  /** At least 0, below 1: `Math.random` unless told. */
  random?: (() => number) | undefined
}

/**
 * Sends a request until it is answered, and gives the answer with its body read. The same request is sent each time,
 * its idempotency key included. Throws TallystickError for a refusal and for a request without an answer.
 */
export async function persistentFetch(
  url: string,
  init: RequestInit,
  persistence: Persistence,
): Promise<Response> {
  const { attempts = 4, attemptTimeoutMs = 30_000, timeoutMs = 120_000, firstDelayMs = 250 } = persistence
  const caller = init.signal ?? undefined
  const end = performance.now() + timeoutMs
  for (let failures = 1; ; failures++) {
    const leftMs = end - performance.now()
    const limitMs = Math.max(0, Math.min(attemptTimeoutMs, leftMs))
    const attempt = await tryOnce(url, init, { caller, limitMs, fetch: persistence.fetch ?? fetch })
    if ('response' in attempt) return attempt.response
    const { error, retryAfter } = attempt
    if (!isTransient(error) || failures >= attempts) throw error
    // It had all the time left, and a timer may ring a little early.
    if (error.code === 'timeout' && leftMs <= attemptTimeoutMs) throw error
    const random = persistence.random ?? Math.random
    const delayMs = retryDelayMs(failures, { retryAfter, firstMs: firstDelayMs, random, now: Date.now() })
    // Waiting past the end of the call would only tell the same later.
    if (performance.now() + delayMs >= end) throw error
    await wait(delayMs, caller)
  }
}

type Attempt = { response: Response } | { error: TallystickError; retryAfter?: string | undefined }

async function tryOnce(
  url: string,
  init: RequestInit,
  {
    caller,
    limitMs,
    fetch,
  }: { caller: AbortSignal | undefined; limitMs: number } & {
    fetch: NonNullable<Persistence['fetch']>
  },
): Promise<Attempt> {
  const timeout = new AbortController()
  const timer = setTimeout(() => timeout.abort(), limitMs)
  const signals = [timeout.signal, ...(caller ? [caller] : [])]
  try {
    const response = await fetch(url, { ...init, signal: AbortSignal.any(signals) })
    if (!response.ok) {
      const retryAfter = response.headers.get('retry-after') ?? undefined
      return { error: await readRefusal(response), retryAfter }
    }
    return { response: await readWhole(response) }
  } catch (cause) {
    if (isTallystickError(cause)) return { error: cause }
    if (caller?.aborted)
      return { error: new UnansweredError('aborted', 'The call was aborted', { cause: caller.reason }) }
    if (timeout.signal.aborted)
      return {
        error: new UnansweredError('timeout', `No answer within ${Math.round(limitMs)} ms`, { cause }),
      }
    return { error: new UnansweredError('network', 'The connection failed', { cause }) }
  } finally {
    clearTimeout(timer)
  }
}

/** The answer with its body at hand: a connection that breaks off amid the body counts as a failed attempt. */
async function readWhole(response: Response): Promise<Response> {
  const { status, headers } = response
  const text = await response.text()
  try {
    JSON.parse(text)
  } catch (cause) {
    const requestId = headers.get('request-id') ?? undefined
    throw new UnansweredError('invalid_response', 'The answer is not JSON', { cause, status, requestId })
  }
  return new Response(text, { status, headers })
}

/** Throws TallystickError `aborted` as soon as the caller gives up. */
function wait(delayMs: number, caller: AbortSignal | undefined): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const giveUp = () =>
    reject(new UnansweredError('aborted', 'The call was aborted', { cause: caller?.reason }))
  const timer = setTimeout(resolve, delayMs)
  if (caller?.aborted) giveUp()
  caller?.addEventListener('abort', giveUp, { once: true })
  return promise.finally(() => {
    clearTimeout(timer)
    caller?.removeEventListener('abort', giveUp)
  })
}
