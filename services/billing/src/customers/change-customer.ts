import { Fault } from '@tallystick/protocol'
import type { Caller, Plan } from '@tallystick/runtime'
import { auditEvent } from '@tallystick/runtime'
import { insert, replace } from '@tallystick/storage'
import type { z } from 'zod'
import { testClocks } from '../clocks/collections.ts'
import type { Deps } from '../deps.ts'
import { operatorsOnly } from '../operators-only.ts'
import { customers } from './collections.ts'
import { customerNamed, findCustomer } from './find-customer.ts'
import type { Customer } from './find-customer.ts'
import type { CustomerChange, CustomerInput, customerView } from './schemas.ts'

type View = z.infer<typeof customerView>
type Unversioned = z.infer<typeof customers.schema>

/** A new customer. Throws Fault `already_exists` for a reference that is taken. */
export async function createCustomer(deps: Deps, caller: Caller, input: CustomerInput): Promise<Plan<View>> {
  const { tenant } = caller
  if (await customerNamed(deps, tenant, input.reference)) {
    throw new Fault('already_exists', { detail: `There is a customer ${input.reference} already` })
  }
  if (input.test_clock !== undefined) {
    const clock = deps.livemode ? undefined : await deps.store.get(testClocks, input.test_clock)
    if (!clock || clock.tenant !== tenant) throw missing('/test_clock', 'names no test clock')
  }
  const customer: Unversioned = {
    id: deps.newId('customer'),
    tenant,
    reference: input.reference,
    name: input.name ?? input.reference,
    ...optional('email', input.email),
    currency: input.currency,
    timeZone: input.time_zone,
    ...optional('country', input.country),
    ...optional('region', input.region),
    ...optional('taxId', input.tax_id),
    taxTreatment: input.tax_treatment ?? 'taxable',
    ...(await methodOf(deps, { tenant, customer: input.reference }, input.payment_method)),
    ...optional('clock', input.test_clock),
    suspended: false,
    metadata: input.metadata ?? {},
    createdAt: deps.now(),
  }
  return {
    writes: [insert(customers, customer), told(deps, caller, 'customer.created', customer)],
    answer: viewCustomer(deps, customer),
  }
}

/**
 * Changes what may change of a customer; reference, currency, zone and clock stay. Customers themselves set their name,
 * e-mail and payment method: what their tax depends on is for operators. Throws Fault `forbidden`.
 */
export async function updateCustomer(deps: Deps, caller: Caller, input: CustomerChange): Promise<Plan<View>> {
  operatorsOnly(caller, input, ['country', 'region', 'tax_id', 'tax_treatment', 'metadata'])
  const { version, region, ...before } = await findCustomer(deps, caller, input.customer_id)
  const { tenant } = before
  const moved = input.country !== undefined && input.country !== before.country
  const customer: Unversioned = {
    ...before,
    ...optional('name', input.name),
    ...optional('email', input.email),
    ...optional('country', input.country),
    ...optional('region', input.region ?? (moved ? undefined : region)),
    ...optional('taxId', input.tax_id),
    ...optional('taxTreatment', input.tax_treatment),
    ...(await methodOf(deps, { tenant, customer: before.reference }, input.payment_method)),
    ...optional('metadata', input.metadata),
  }
  return {
    writes: [replace(customers, customer, version), told(deps, caller, 'customer.updated', customer)],
    answer: viewCustomer(deps, customer),
  }
}

/** A customer as the API tells it. */
export function viewCustomer({ livemode }: Pick<Deps, 'livemode'>, customer: Unversioned | Customer): View {
  const { paymentMethod: method } = customer
  return {
    object: 'customer',
    id: customer.id,
    livemode,
    reference: customer.reference,
    name: customer.name,
    ...optional('email', customer.email),
    currency: customer.currency,
    time_zone: customer.timeZone,
    ...optional('country', customer.country),
    ...optional('region', customer.region),
    ...optional('tax_id', customer.taxId),
    tax_treatment: customer.taxTreatment,
    ...(method && {
      payment_method: { provider: method.provider, brand: method.brand, last4: method.last4 },
    }),
    ...optional('test_clock', customer.clock),
    ...optional('delinquent_since', customer.delinquentSince?.toISOString()),
    suspended: customer.suspended,
    metadata: customer.metadata,
    created_at: customer.createdAt.toISOString(),
  }
}

async function methodOf(deps: Deps, of: { tenant: string; customer: string }, token: string | undefined) {
  if (token === undefined) return {}
  const method = await deps.provider.attachMethod({ ...of, token })
  return { paymentMethod: { provider: deps.provider.name, ...method } }
}

// Names, addresses and tax ids stay here: the audit log learns that a customer changed, not who it is.
function told(deps: Deps, caller: Caller, kind: string, { id, tenant }: Unversioned) {
  const record = { kind, actor: caller.account, licenses: [], items: [], data: { customer: id } }
  return auditEvent({ id: deps.newId('event'), tenant, at: deps.now(), record })
}

function missing(pointer: string, message: string): Fault {
  return new Fault('reference_not_found', { errors: [{ pointer, message }] })
}

function optional<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { [P in K]?: V })
}
