import { Fault } from '@tallystick/protocol'
import type { FastifyRequest } from 'fastify'
import { addressGroup } from './address-group.ts'
import type { Caller } from './api.ts'
import { publicPlan } from './rate-plans.ts'
import type { RatePlan, RatePlans } from './rate-plans.ts'

/** Counts requests and refuses those beyond the limit, with the headers of draft-ietf-httpapi-ratelimit-headers. */
export interface RateLimiter {
  /** Counts a request of a key. Throws Fault `rate_limited`. */
  ofCaller(caller: Pick<Caller, 'plan' | 'keyId'>, reply: LimitedReply): void
  /** Counts a question of a key about itself, by a generous limit that is no part of its plan. Throws Fault. */
  ofCheck(caller: Pick<Caller, 'keyId'>, reply: LimitedReply): void
  /** Counts a request without a key, or with a bad one, by its address. Throws Fault `rate_limited`. */
  ofAddress(request: Pick<FastifyRequest, 'ip'>, reply: LimitedReply): void
}

/** What a limiter tells the caller through. */
interface LimitedReply {
  header(name: string, value: string | number): LimitedReply
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
// Each copy of each service asks once in five seconds.
const checks = limitOf('checks', { requests: 6000, windowSeconds: 60, burst: 6000 })

/**
 * A limiter in this process's memory, by the generic cell rate algorithm: each key has one number, the time until
 * which its requests so far use up the rate. Every copy of a service counts for itself, and grants its part of each plan
 * where it is told how many `copies` there are.
 */
export function rateLimiter(plans: RatePlans, now: () => Date, copies = 1): RateLimiter {
  const limits = new Map(
    Object.entries(plans).map(([name, plan]) => [name, plan && limitOf(name, partOf(plan, copies))]),
  )
  const standard = limits.get('standard') ?? null
  const addresses = limits.get(publicPlan) ?? null
  const usedUntil = new Map<string, number>()

  function take(limit: Limit, who: string, reply: LimitedReply): void {
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
      // The plan of addresses is nobody's: an account that names it is held to the standard one.
      const limit = limits.has(plan) && plan !== publicPlan ? limits.get(plan) : standard
      if (limit) take(limit, keyId, reply)
    },
    ofCheck: ({ keyId }, reply) => take(checks, `check ${keyId}`, reply),
    ofAddress(request, reply) {
      if (addresses) take(addresses, addressGroup(request.ip), reply)
    },
  }
}

/** What one of several copies grants of a plan. Whole numbers, since callers are told them; never nothing at all. */
function partOf({ requests, windowSeconds, burst }: RatePlan, copies: number): RatePlan {
  return {
    requests: Math.max(1, Math.floor(requests / copies)),
    windowSeconds,
    burst: Math.max(1, Math.floor(burst / copies)),
  }
}

function limitOf(name: string, plan: RatePlan): Limit {
  const { requests, windowSeconds, burst } = plan
  const interval = (windowSeconds * 1000) / requests
  return {
    name,
    plan,
    interval,
    tolerance: burst * interval,
    policy: `"${name}";q=${requests};w=${windowSeconds}`,
  }
}

/**
 * Forgets who has nothing used up; all of them, if that frees too little: memory is worth more than a count, and a
 * search for each newcomer would be worse than either.
 */
function forget(usedUntil: Map<string, number>, at: number): void {
  for (const [who, until] of usedUntil) if (until <= at) usedUntil.delete(who)
  if (usedUntil.size > maxTracked * 0.9) usedUntil.clear()
}
