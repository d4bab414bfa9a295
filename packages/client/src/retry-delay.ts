import type { TallystickError } from './tallystick-error.ts'

const retriedStatuses: ReadonlySet<number | undefined> = new Set([408, 429, 502, 503, 504])
const longestDelayMs = 30_000

/**
 * Whether sending the same request again may help: nothing came back, the answer names a status of the moment, or the
 * first attempt with this idempotency key still runs.
 */
export function isTransient({ code, status }: TallystickError): boolean {
  if (code === 'network' || code === 'timeout' || code === 'idempotency_in_progress') return true
  return retriedStatuses.has(status)
}

/**
 * Milliseconds to wait after `failures` failures: what the Retry-After header (RFC 9110 §10.2.3) asks, or a random time
 * whose bound doubles, so that clients who failed together do not come back together.
 */
export function retryDelayMs(
  failures: number,
  {
    retryAfter,
    firstMs,
    random,
    now,
  }: { retryAfter: string | undefined; firstMs: number; random: () => number; now: number },
): number {
  const jitter = random() * Math.min(firstMs * 2 ** (failures - 1), longestDelayMs)
  return Math.max(askedMs(retryAfter, now) ?? 0, jitter)
}

function askedMs(retryAfter: string | undefined, now: number): number | undefined {
  if (retryAfter === undefined) return undefined
  if (/^\d{1,9}$/.test(retryAfter)) return Number(retryAfter) * 1000
  const at = Date.parse(retryAfter)
  return Number.isNaN(at) ? undefined : at - now
}
