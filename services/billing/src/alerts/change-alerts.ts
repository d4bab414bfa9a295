import { Fault } from '@tallystick/protocol'
import { price as priceSchema } from '@tallystick/pricing'
import { auditEvent } from '@tallystick/runtime'
import type { Caller, Plan } from '@tallystick/runtime'
import { insert, replace } from '@tallystick/storage'
import type { Stored, Write } from '@tallystick/storage'
import type { z } from 'zod'
import { findCustomer, findCustomerNamed } from '../customers/find-customer.ts'
import type { Deps } from '../deps.ts'
import { prices } from '../prices/collections.ts'
import { subscriptions } from '../subscriptions/collections.ts'
import { meters } from '../usage/collections.ts'
import { findMeter } from '../usage/find-meters.ts'
import { changeControl, controlsOf } from '../usage/usage-controls.ts'
import type { AlertInput, alertView } from './alert-schemas.ts'
import { usageAlerts } from './collections.ts'
import type { UsageAlert } from './collections.ts'
import { viewAlert } from './view-alert.ts'

type View = z.infer<typeof alertView>

const mostAlerts = 20

/** Watches a threshold from now on; what the period holds already counts. Only an operator sets a cap. */
export async function createAlert(deps: Deps, caller: Caller, input: AlertInput): Promise<Plan<View>> {
  const customer = await findCustomerNamed(deps, caller, input.customer)
  if (input.kind === 'cap') requireOperator(caller)
  const count = await deps.store.count(
    usageAlerts.watching,
    { equals: [caller.tenant, customer.id] },
    { atMost: mostAlerts },
  )
  if (count >= mostAlerts)
    throw new Fault('invalid_state', { detail: `The customer has ${mostAlerts} thresholds: archive one` })
  const alert: UsageAlert = {
    id: deps.newId('alert'),
    tenant: caller.tenant,
    customer: customer.id,
    kind: input.kind,
    limit: await limitOf(deps, caller.tenant, input),
    period: input.period,
    ...(await subscriptionOf(deps, caller.tenant, customer.id, input.subscription)),
    active: true,
    createdAt: deps.now(),
  }
  return {
    writes: [
      insert(usageAlerts, alert),
      ...(await watchedWrites(deps, alert, 1)),
      told(deps, caller, 'usage_alert.created', alert),
    ],
    answer: viewAlert(deps, alert),
  }
}

/** Ends an alert or a cap. Only an operator ends a cap. */
export async function archiveAlert(deps: Deps, caller: Caller, id: string): Promise<Plan<View>> {
  const { version, ...before } = await findAlert(deps, caller, id)
  if (before.kind === 'cap') requireOperator(caller)
  if (!before.active) return { writes: [], answer: viewAlert(deps, before) }
  const alert = { ...before, active: false }
  return {
    writes: [
      replace(usageAlerts, alert, version),
      ...(await watchedWrites(deps, alert, -1)),
      told(deps, caller, 'usage_alert.archived', alert),
    ],
    answer: viewAlert(deps, alert),
  }
}

/** The alert that the caller may see, or Fault `not_found`. */
export async function findAlert(
  deps: Pick<Deps, 'store'>,
  caller: Pick<Caller, 'tenant' | 'account' | 'role'>,
  id: string,
): Promise<Stored<UsageAlert>> {
  const alert = await deps.store.get(usageAlerts, id)
  if (alert?.tenant !== caller.tenant) throw new Fault('not_found')
  await findCustomer(deps, caller, alert.customer)
  return alert
}

async function limitOf(deps: Deps, tenant: string, input: AlertInput): Promise<UsageAlert['limit']> {
  const { meter: name, quantity, prices: ids = [], amount } = input
  if (name !== undefined && quantity !== undefined) {
    const meter = await findMeter(deps, tenant, name).catch(() => undefined)
    if (!meter) throw missing('/meter', 'names no meter')
    requireAdditive(meter.aggregation, '/meter')
    return { of: 'quantity', meter: meter.id, quantity }
  }
  if (!amount) throw new Fault('validation_failed')
  const found = await deps.store.getMany(prices, ids)
  const charged = []
  for (const [at, price] of found.entries()) {
    const pointer = `/prices/${at}`
    if (price?.tenant !== tenant) throw missing(pointer, 'names no price')
    if (price.license !== undefined)
      throw invalid(pointer, 'is the price of a license, whose usage is not watched apart: watch its meter')
    if (price.currency !== amount.currency) throw invalid(pointer, `is in ${price.currency}`)
    const meter = price.meter === undefined ? undefined : await deps.store.get(meters, price.meter)
    if (!meter) throw invalid(pointer, 'charges no meter')
    requireAdditive(meter.aggregation, pointer)
    const { model } = priceSchema.parse(JSON.parse(price.definition))
    if (!['per_unit', 'package', 'graduated', 'volume'].includes(model))
      throw invalid(pointer, `is of the model ${model}, which one quantity does not tell the cost of`)
    charged.push({ price: price.id, meter: meter.id, definition: price.definition })
  }
  return { of: 'spend', prices: charged, amount: BigInt(amount.amount), currency: amount.currency }
}

// Of max, last and unique a part of the period does not tell what the next event adds.
function requireAdditive(aggregation: string, pointer: string): void {
  if (aggregation !== 'count' && aggregation !== 'sum')
    throw invalid(pointer, `has a meter of ${aggregation}: only what counts or sums has thresholds`)
}

async function subscriptionOf(deps: Deps, tenant: string, customer: string, id: string | undefined) {
  if (id === undefined) return {}
  const found = await deps.store.get(subscriptions, id)
  if (found?.tenant !== tenant || found.customer !== customer)
    throw missing('/subscription', 'names no subscription of the customer')
  return { subscription: id }
}

/** Lets every report that is under way look again: its customer's thresholds are others now. */
async function watchedWrites(deps: Deps, { tenant, customer }: UsageAlert, by: 1 | -1): Promise<Write[]> {
  const found = (await controlsOf(deps, tenant, new Set([customer]))).get(customer)
  if (!found) throw new Error(`the usage controls of ${customer} are gone`)
  return changeControl(found, { alerts: found.alerts + by })
}

function requireOperator({ role }: Caller): void {
  if (role !== 'operator') throw new Fault('forbidden', { detail: 'Only an operator sets or ends a cap' })
}

function told(deps: Deps, { account, tenant }: Caller, kind: string, alert: UsageAlert): Write {
  const data = { alert: alert.id, customer: alert.customer, kind: alert.kind }
  const record = { kind, actor: account, licenses: [], items: [], data }
  return auditEvent({ id: deps.newId('event'), tenant, at: deps.now(), record })
}

function missing(pointer: string, message: string): Fault {
  return new Fault('reference_not_found', { errors: [{ pointer, message }] })
}

function invalid(pointer: string, message: string): Fault {
  return new Fault('validation_failed', { errors: [{ pointer, message }] })
}
