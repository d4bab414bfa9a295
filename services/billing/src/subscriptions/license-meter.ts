import type { Caller } from '@tallystick/runtime'
import { DuplicateKey, StaleVersion } from '@tallystick/storage'
import type { Deps } from '../deps.ts'
import { createMeter } from '../usage/create-meter.ts'
import { metersOf } from '../usage/find-meters.ts'
import { meters } from '../usage/collections.ts'

/**
 * The id of a meter that sums all events of a metric: the oldest there is, or else a new one `license.<metric>`. Throws
 * Fault `invalid_state` where there are as many meters as there may be.
 */
export async function meterOfMetric(
  deps: Deps,
  { tenant, account }: Pick<Caller, 'tenant' | 'account'>,
  metric: string,
): Promise<string> {
  return deps.store.attempt(async () => {
    const known = await metersOf(deps, tenant, new Set([metric]))
    const sum = known.meters.find(({ aggregation, filters }) => aggregation === 'sum' && filters.length === 0)
    if (sum) return sum.id
    const name = await freeName(deps, tenant, `license.${metric}`)
    const caller: Caller = {
      tenant,
      account,
      role: 'operator',
      keyId: '',
      scopes: [],
      livemode: deps.livemode,
      plan: '',
    }
    const { writes, answer } = await createMeter(deps, caller, {
      name,
      metric,
      aggregation: 'sum',
      filters: [],
      group_by: [],
    })
    try {
      await deps.store.commit([...writes])
    } catch (error) {
      if (!(error instanceof DuplicateKey)) throw error
      throw new StaleVersion('another was faster to make the meter', { cause: error })
    }
    return answer.id
  })
}

/** An archived meter keeps its name. */
async function freeName({ store }: Pick<Deps, 'store'>, tenant: string, wanted: string): Promise<string> {
  for (let place = 1; ; place++) {
    const name = place === 1 ? wanted : `${wanted}.${place}`
    const { items } = await store.find(meters.byName, { equals: [tenant, name], limit: 1 })
    if (items.length === 0) return name
  }
}
