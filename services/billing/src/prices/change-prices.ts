import { Fault } from '@tallystick/protocol'
import { price as priceSchema } from '@tallystick/pricing'
import { canonicalize } from '@tallystick/receipt'
import { auditEvent } from '@tallystick/runtime'
import type { Caller, Plan as Planned } from '@tallystick/runtime'
import { insert, replace } from '@tallystick/storage'
import type { Stored } from '@tallystick/storage'
import type { z } from 'zod'
import type { Deps } from '../deps.ts'
import { meters } from '../usage/collections.ts'
import { plans, prices } from './collections.ts'
import type { PlanCreation, planView, PriceCreation, priceView } from './price-schemas.ts'

/** A price as it is stored. */
export type StoredPrice = z.infer<typeof prices.schema>
/** A plan as it is stored. */
export type StoredPlan = z.infer<typeof plans.schema>

/** A new price. Throws Fault `reference_not_found` for a meter that is not there. */
export async function createPrice(
  deps: Deps,
  caller: Caller,
  input: PriceCreation,
): Promise<Planned<z.infer<typeof priceView>>> {
  const { tenant } = caller
  if (input.meter !== undefined) {
    const meter = await deps.store.get(meters, input.meter)
    if (meter?.tenant !== tenant) throw missing('/meter', 'names no meter')
  }
  const stored: StoredPrice = {
    id: deps.newId('price'),
    tenant,
    name: input.name,
    currency: input.definition.currency,
    definition: canonicalize(input.definition),
    ...(input.meter !== undefined && { meter: input.meter }),
    ...(input.tax_code !== undefined && { taxCode: input.tax_code }),
    active: true,
    metadata: input.metadata,
    createdAt: deps.now(),
  }
  return {
    writes: [insert(prices, stored), told(deps, caller, 'price.created', { price: stored.id })],
    answer: viewPrice(deps, stored),
  }
}

/** Closes a price to new subscriptions; those that have it keep it. */
export async function archivePrice(
  deps: Deps,
  caller: Caller,
  id: string,
): Promise<Planned<z.infer<typeof priceView>>> {
  const { version, ...found } = await findPrice(deps, caller.tenant, id)
  const stored = { ...found, active: false }
  return {
    writes: [replace(prices, stored, version), told(deps, caller, 'price.archived', { price: id })],
    answer: viewPrice(deps, stored),
  }
}

/** A new plan of prices that are there, active, and in its currency. */
export async function createPlan(
  deps: Deps,
  caller: Caller,
  input: PlanCreation,
): Promise<Planned<z.infer<typeof planView>>> {
  const { tenant } = caller
  const found = await deps.store.getMany(prices, input.prices)
  const errors = found.flatMap((price, place) => {
    const message = refusalOf(price, tenant, input.currency)
    return message === undefined ? [] : [{ pointer: `/prices/${place}`, message }]
  })
  if (errors.length > 0) throw new Fault('reference_not_found', { errors })
  const stored: StoredPlan = {
    id: deps.newId('plan'),
    tenant,
    name: input.name,
    currency: input.currency,
    prices: input.prices,
    interval: input.interval,
    trialDays: input.trial_days,
    active: true,
    metadata: input.metadata,
    createdAt: deps.now(),
  }
  return {
    writes: [insert(plans, stored), told(deps, caller, 'plan.created', { plan: stored.id })],
    answer: viewPlan(deps, stored),
  }
}

function refusalOf(price: StoredPrice | undefined, tenant: string, currency: string): string | undefined {
  if (price?.tenant !== tenant) return 'names no price'
  if (price.license !== undefined) return 'names the price of a license, which no plan can hold'
  if (!price.active) return 'names a price that is archived'
  if (price.currency !== currency) return `names a price in ${price.currency}; the plan is in ${currency}`
  return undefined
}

/** The price of the tenant, or Fault `not_found`. */
export async function findPrice(
  { store }: Pick<Deps, 'store'>,
  tenant: string,
  id: string,
): Promise<Stored<StoredPrice>> {
  const price = await store.get(prices, id)
  if (price?.tenant !== tenant) throw new Fault('not_found')
  return price
}

/** The plan of the tenant, or Fault `not_found`. */
export async function findPlan(
  { store }: Pick<Deps, 'store'>,
  tenant: string,
  id: string,
): Promise<Stored<StoredPlan>> {
  const plan = await store.get(plans, id)
  if (plan?.tenant !== tenant) throw new Fault('not_found')
  return plan
}

/** A price as the API tells it. */
export function viewPrice(
  { livemode }: Pick<Deps, 'livemode'>,
  price: StoredPrice,
): z.infer<typeof priceView> {
  const { id, name, currency, definition, meter, license, taxCode, active, metadata, createdAt } = price
  return {
    object: 'price',
    id,
    livemode,
    name,
    currency,
    definition: priceSchema.parse(JSON.parse(definition)),
    ...(meter !== undefined && { meter }),
    ...(license !== undefined && { license }),
    ...(taxCode !== undefined && { tax_code: taxCode }),
    active,
    metadata,
    created_at: createdAt.toISOString(),
  }
}

/** A plan as the API tells it. */
export function viewPlan({ livemode }: Pick<Deps, 'livemode'>, plan: StoredPlan): z.infer<typeof planView> {
  const { id, name, currency, interval, trialDays, active, metadata, createdAt } = plan
  return {
    object: 'plan',
    id,
    livemode,
    name,
    currency,
    prices: plan.prices,
    interval,
    trial_days: trialDays,
    active,
    metadata,
    created_at: createdAt.toISOString(),
  }
}

function told(deps: Deps, { tenant, account }: Caller, kind: string, data: Record<string, string>) {
  const record = { kind, actor: account, licenses: [], items: [], data }
  return auditEvent({ id: deps.newId('event'), tenant, at: deps.now(), record })
}

function missing(pointer: string, message: string): Fault {
  return new Fault('reference_not_found', { errors: [{ pointer, message }] })
}
