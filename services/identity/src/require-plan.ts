import { Fault } from '@tallystick/protocol'
import { publicPlan } from '@tallystick/runtime'
import type { Actor, Deps } from './deps.ts'

const standardPlan = 'standard'

/**
 * Whether `caller` may put an account on a plan. Throws Fault `validation_failed` for one that is not configured, and
 * `forbidden` for one without limits: that would be lifted for all marketplaces, so it takes the scope platform.
 */
export function requirePlan({ plans }: Pick<Deps, 'plans'>, caller: Actor, plan: string): void {
  if (!Object.hasOwn(plans, plan) || plan === publicPlan) {
    const known = Object.keys(plans).filter((name) => name !== publicPlan)
    throw new Fault('validation_failed', {
      errors: [
        { pointer: '/plan', message: 'is no plan of rate limits', fix: `Take one of ${known.join(', ')}.` },
      ],
    })
  }
  if (plans[plan] === null && plan !== standardPlan && !caller.scopes.includes('platform'))
    throw new Fault('forbidden', { detail: 'A plan without limits takes a key with the scope platform' })
}
