import { Fault } from '@tallystick/protocol'
import type { Caller } from '@tallystick/runtime'
import type { Stored } from '@tallystick/storage'
import type { z } from 'zod'
import type { Deps } from '../deps.ts'
import { customers } from './collections.ts'

/** A customer as it is stored. */
export type Customer = Stored<z.infer<typeof customers.schema>>

/**
 * The customer that the caller may see, or Fault `not_found`: operators and auditors reach every customer of their
 * tenant, others only themselves.
 */
export async function findCustomer(
  { store }: Pick<Deps, 'store'>,
  caller: Pick<Caller, 'tenant' | 'account' | 'role'>,
  id: string,
): Promise<Customer> {
  const customer = await store.get(customers, id)
  if (!customer || customer.tenant !== caller.tenant || !reaches(caller, customer))
    throw new Fault('not_found')
  return customer
}

/** Whether the caller may see what is of this customer. */
export function reaches(
  { role, account }: Pick<Caller, 'role' | 'account'>,
  { reference }: Pick<Customer, 'reference'>,
): boolean {
  return role === 'operator' || role === 'auditor' || reference === account
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
