import { Fault } from '@tallystick/protocol'
import { reachesTenant } from '@tallystick/runtime'
import type { Caller } from '@tallystick/runtime'
import type { Stored } from '@tallystick/storage'
import type { z } from 'zod'
import type { Deps } from '../deps.ts'
import { customers } from './collections.ts'

/** A customer as it is stored. */
export type Customer = Stored<z.infer<typeof customers.schema>>

/** The customer that the caller may see, or Fault `not_found`: its own, unless it reaches the whole tenant. */
export async function findCustomer(
  { store }: Pick<Deps, 'store'>,
  caller: Pick<Caller, 'tenant' | 'account' | 'reference' | 'role'>,
  id: string,
): Promise<Customer> {
  const customer = await store.get(customers, id)
  if (!customer || customer.tenant !== caller.tenant || !reaches(caller, customer))
    throw new Fault('not_found')
  return customer
}

/** Whether the caller may see what is of this customer. */
function reaches(
  caller: Pick<Caller, 'role' | 'account' | 'reference'>,
  { reference }: Pick<Customer, 'reference'>,
): boolean {
  return reachesTenant(caller) || namesOf(caller).includes(reference)
}

/** The customer of that id or reference that the caller may see, without a name the caller's own; or undefined. */
export async function reachedCustomer(
  deps: Pick<Deps, 'store'>,
  caller: Pick<Caller, 'tenant' | 'account' | 'reference' | 'role'>,
  name: string | undefined,
): Promise<Customer | undefined> {
  if (name === undefined) return ownCustomer(deps, caller)
  const byId = name.startsWith('cus_') ? await deps.store.get(customers, name) : undefined
  const found = byId ?? (await customerNamed(deps, caller.tenant, name))
  return found?.tenant === caller.tenant && reaches(caller, found) ? found : undefined
}

/** As reachedCustomer, or Fault `not_found`. */
export async function findCustomerNamed(
  deps: Pick<Deps, 'store'>,
  caller: Pick<Caller, 'tenant' | 'account' | 'reference' | 'role'>,
  name: string | undefined,
): Promise<Customer> {
  const found = await reachedCustomer(deps, caller, name)
  if (!found) throw new Fault('not_found')
  return found
}

/**
 * Whose a list is to be: the customer that is named or the caller's own, or undefined for all of them when who reaches
 * the tenant names none. Throws Fault `not_found`.
 */
export async function customerAsked(
  deps: Pick<Deps, 'store'>,
  caller: Pick<Caller, 'tenant' | 'account' | 'reference' | 'role'>,
  name: string | undefined,
): Promise<Customer | undefined> {
  return name === undefined && reachesTenant(caller) ? undefined : findCustomerNamed(deps, caller, name)
}

/** The customer that the caller's own account is, by its id or by the tenant's own name for it. */
export async function ownCustomer(
  deps: Pick<Deps, 'store'>,
  caller: Pick<Caller, 'tenant' | 'account' | 'reference'>,
): Promise<Customer | undefined> {
  for (const name of namesOf(caller)) {
    const customer = await customerNamed(deps, caller.tenant, name)
    if (customer) return customer
  }
  return undefined
}

function namesOf({ account, reference }: Pick<Caller, 'account' | 'reference'>): string[] {
  return reference === undefined ? [account] : [account, reference]
}

/** The customer whom usage and payments name by its reference, or undefined. */
export async function customerNamed(
  { store }: Pick<Deps, 'store'>,
  tenant: string,
  reference: string,
): Promise<Customer | undefined> {
  const { items } = await store.find(customers.byReference, { equals: [tenant, reference], limit: 1 })
  return items[0]
}
