import { money, toWire } from '@tallystick/money'
import type { z } from 'zod'
import { timeOf } from '../clocks/time-of.ts'
import type { Customer } from '../customers/find-customer.ts'
import type { Deps } from '../deps.ts'
import { toScaled } from '../usage/scaled.ts'
import { alertPeriod, stateIdOf } from './alert-period.ts'
import type { alertView } from './alert-schemas.ts'
import { alertStates } from './collections.ts'
import type { UsageAlert } from './collections.ts'
import { gaugeOf } from './gauge.ts'

type View = z.infer<typeof alertView>

/** An alert as the API tells it. */
export function viewAlert({ livemode }: Pick<Deps, 'livemode'>, alert: UsageAlert): View {
  const { limit } = alert
  return {
    object: 'usage_alert',
    id: alert.id,
    livemode,
    customer: alert.customer,
    kind: alert.kind,
    ...(limit.of === 'quantity'
      ? { meter: limit.meter, quantity: limit.quantity }
      : {
          prices: limit.prices.map(({ price }) => price),
          amount: toWire(money(limit.amount, limit.currency)),
        }),
    period: alert.period,
    ...(alert.subscription !== undefined && { subscription: alert.subscription }),
    status: alert.active ? 'active' : 'archived',
    created_at: alert.createdAt.toISOString(),
  }
}

/** The alert with how far it is in the period of now; absent until usage is reported in it. */
export async function viewWithCurrent(deps: Deps, alert: UsageAlert, customer: Customer): Promise<View> {
  const period = await alertPeriod(deps, alert, customer, await timeOf(deps, customer))
  const state = await deps.store.get(alertStates, stateIdOf(alert, period))
  if (!state) return viewAlert(deps, alert)
  const gauge = gaugeOf(alert)
  const counted = new Map(state.counted.map(({ meter, quantity }) => [meter, toScaled(quantity)]))
  return {
    ...viewAlert(deps, alert),
    current: {
      from: period.start.toISOString(),
      before: period.end.toISOString(),
      figure: gauge.show(gauge.figure(counted)),
      ...(state.firedAt && { reached_at: state.firedAt.toISOString() }),
    },
  }
}
