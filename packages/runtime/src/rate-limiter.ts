import { Fault } from '@tallystick/protocol'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Caller } from './api.ts'

/** A limit: `requests` in any `windowSeconds` in the long run, and `burst` of them at once. */
export interface RatePlan {
  readonly requests: number
  readonly windowSeconds: number
  readonly burst: number
}

/** Limits by the name of their plan; `null` is no limit. Keys of an unknown plan fall under `standard`. */
export type RatePlans = Readonly<Record<string, RatePlan | null>>

/** The plans that a server has unless told otherwise; `public` counts by address what is asked without a key. */
export const defaultRatePlans = {
  standard: { requests: 60_000, windowSeconds: 60, burst: 60_000 },
  unlimited: null,
  public: { requests: 600_000, windowSeconds: 60, burst: 600_000 },
} satisfies RatePlans

/** Counts requests and refuses those beyond the limit, with the headers of draft-ietf-httpapi-ratelimit-headers. */
export interface RateLimiter {
  /** Counts a request of a key. Throws Fault `rate_limited`. */
  ofCaller(caller: Caller, reply: FastifyReply): void
  /** Counts a request without a key, or with a bad one, by its address. Throws Fault `rate_limited`. */
  ofAddress(request: FastifyRequest, reply: FastifyReply): void
}

interface Limit {
  name: string
  plan: RatePlan
  policy: string
  /** Milliseconds that one request uses up. */
  interval: number
  /** How far ahead of now the use of a key may be. */
  tolerance: number
}

const maxTracked = 100_000

/**
 * A limiter in this process's memory, by the generic cell rate algorithm: each key has one number, the time until
 * which its requests so far use up the rate. Every copy of a service counts for itself.
 */
export function rateLimiter(plans: RatePlans, now: () => Date): RateLimiter {
  const limits = new Map(Object.entries(plans).map(([name, plan]) => [name, plan && limitOf(name, plan)]))
  const standard = limits.get('standard') ?? null
  const addresses = limits.get('public') ?? null
  const usedUntil = new Map<string, number>()

  function take(limit: Limit, who: string, reply: FastifyReply): void {
    const at = now().getTime()
    const { interval, tolerance, plan } = limit
    const next = Math.max(usedUntil.get(who) ?? 0, at) + interval
    const ahead = next - at
    reply.header('ratelimit-policy', limit.policy)
    if (ahead > tolerance) {
      const seconds = Math.max(1, Math.ceil((ahead - tolerance) / 1000))
      reply.header('ratelimit', `"${limit.name}";r=0;t=${seconds}`).header('retry-after', seconds)
      throw new Fault('rate_limited', {
        detail:
          `The limit "${limit.name}" allows ${plan.requests} requests in ${plan.windowSeconds} s and ` +
          `${plan.burst} at once. Wait ${seconds} s, send fewer requests, or ask for another plan`,
      })
    }
    if (usedUntil.size >= maxTracked && !usedUntil.has(who)) forget(usedUntil, at)
    usedUntil.set(who, next)
    const left = Math.floor((tolerance - ahead) / interval + 1e-6)
    reply.header('ratelimit', `"${limit.name}";r=${left};t=${Math.ceil(ahead / 1000)}`)
  }

  return {
    ofCaller({ plan, keyId }, reply) {
      const limit = limits.has(plan) ? limits.get(plan) : standard
      if (limit) take(limit, keyId, reply)
    },
    ofAddress(request, reply) {
      if (addresses) take(addresses, request.ip, reply)
    },
  }
}

function limitOf(name: string, plan: RatePlan): Limit {
  const { requests, windowSeconds, burst } = plan
  if (!/^[a-z][a-z0-9_-]*$/.test(name) || !(requests > 0 && windowSeconds > 0 && burst >= 1)) {
    throw new Error(
      `The rate plan ${name} needs a plain name, requests, windowSeconds and a burst above zero`,
    )
  }
  const interval = (windowSeconds * 1000) / requests
  return {
    name,
    plan,
    interval,
    tolerance: burst * interval,
    policy: `"${name}";q=${requests};w=${windowSeconds}`,
  }
}

/** Forgets who has nothing used up; all of them, if that is not enough: memory is worth more than a count. */
function forget(usedUntil: Map<string, number>, at: number): void {
  for (const [who, until] of usedUntil) if (until <= at) usedUntil.delete(who)
  if (usedUntil.size >= maxTracked) usedUntil.clear()
}
