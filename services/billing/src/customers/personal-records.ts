import { auditEvent } from '@tallystick/runtime'
import { remove, replace } from '@tallystick/storage'
import type { Write } from '@tallystick/storage'
import type { z } from 'zod'
import { creditGrants } from '../credits/collections.ts'
import type { Deps } from '../deps.ts'
import { invoices } from '../invoices/collections.ts'
import { payments } from '../payments/collections.ts'
import { stripeCustomers } from '../stripe/collections.ts'
import { subscriptions } from '../subscriptions/collections.ts'
import { viewCustomer } from './change-customer.ts'
import { customers } from './collections.ts'
import { customerNamed } from './find-customer.ts'
import type { Customer } from './find-customer.ts'
import type { customerView } from './schemas.ts'

/** Under which names a person is a customer, and what stands in their place afterwards. */
export interface PersonToForget {
  names: readonly string[]
  pseudonym: string
}

/** What billing forgot of a person, and what it kept. */
export interface ForgottenCustomers {
  erased: { object: string; id: string }[]
  kept: { object: string; id: string; reason: string }[]
}

type Needs = Pick<Deps, 'store' | 'now' | 'newId'>

// In any other state a payment can still move money.
const settled = new Set<string>(['captured', 'voided', 'expired', 'failed', 'partially_refunded', 'refunded'])

/** The customers of a person under any of these names, as the API tells them. */
export async function tellCustomers(
  deps: Pick<Deps, 'store' | 'livemode'>,
  tenant: string,
  names: readonly string[],
): Promise<z.infer<typeof customerView>[]> {
  return (await customersOf(deps, tenant, names)).map((one) => viewCustomer(deps, one))
}

/**
 * Puts the pseudonym in place of a customer and takes all that says who it is. Issued invoices keep the buyer that they
 * name, as the law asks, and a customer with whom something is still to be settled is kept. Idempotent.
 */
export async function forgetCustomers(
  deps: Needs,
  tenant: string,
  { names, pseudonym }: PersonToForget,
): Promise<ForgottenCustomers> {
  const told: ForgottenCustomers = { erased: [], kept: [] }
  // A reference is taken once, and a person may be several customers.
  const pseudonyms = names.map((_, place) => (place === 0 ? pseudonym : `${pseudonym}_${place + 1}`))
  const found = await customersOf(deps, tenant, [...names, ...pseudonyms])
  const taken = new Set(found.map((one) => one.reference))
  for (const { id, reference } of found) {
    const free = pseudonyms.find((one) => !taken.has(one)) ?? pseudonym
    const reason = pseudonyms.includes(reference)
      ? undefined
      : await deps.store.attempt(() => forgetOne(deps, id, free))
    if (reason === undefined) {
      told.erased.push({ object: 'customer', id })
      taken.add(free)
    } else told.kept.push({ object: 'customer', id, reason })
    const { items } = await deps.store.find(invoices.byCustomer, { equals: [tenant, id], limit: 1 })
    if (items.length > 0) told.kept.push({ object: 'invoices', id, reason: 'tax_and_accounting_law' })
  }
  return told
}

async function customersOf(deps: Pick<Deps, 'store'>, tenant: string, names: readonly string[]) {
  const found: Customer[] = []
  for (const name of names) {
    const customer = await customerNamed(deps, tenant, name)
    if (customer && found.every(({ id }) => id !== customer.id)) found.push(customer)
  }
  return found
}

/** Forgets one customer; gives why it is kept instead. */
async function forgetOne(deps: Needs, id: string, reference: string): Promise<string | undefined> {
  const found = await deps.store.get(customers, id)
  if (!found) return undefined
  const { tenant } = found
  const reason = await whyUnsettled(deps, found)
  if (reason !== undefined) return reason
  const {
    version,
    name: _name,
    email: _email,
    country: _country,
    region: _region,
    taxId: _taxId,
    paymentMethod: _method,
    ...rest
  } = found
  const forgotten = { ...rest, reference, name: 'Erased', metadata: {} }
  const record = { kind: 'customer.erased', actor: tenant, licenses: [], items: [], data: { customer: id } }
  const writes: Write[] = [
    replace(customers, forgotten, version),
    auditEvent({ id: deps.newId('event'), tenant, at: deps.now(), record }),
  ]
  const known = { equals: [tenant, found.reference] }
  for await (const one of deps.store.scan(stripeCustomers.byReference, known))
    writes.push(remove(stripeCustomers, one.id, one.version))
  await deps.store.commit(writes)
  return undefined
}

/** What is still to be settled with a customer. */
async function whyUnsettled({ store }: Needs, { tenant, id }: Customer): Promise<string | undefined> {
  const of = { equals: [tenant, id] }
  for await (const { status } of store.scan(subscriptions.byCustomer, of))
    if (status !== 'canceled') return `subscription_${status}`
  for (const status of ['draft', 'open', 'past_due']) {
    const { items } = await store.find(invoices.byCustomerStatus, { equals: [tenant, id, status], limit: 1 })
    if (items.length > 0) return `invoice_${status}`
  }
  for await (const { status } of store.scan(payments.byCustomer, of))
    if (!settled.has(status)) return `payment_${status}`
  for await (const { remaining } of store.scan(creditGrants.byCustomer, { equals: [tenant, id, 'open'] }))
    if (remaining > 0n) return 'credit_left'
  return undefined
}
