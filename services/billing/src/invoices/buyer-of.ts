import type { Customer } from '../customers/find-customer.ts'
import type { StoredParty } from './collections.ts'

/** A customer as an invoice names it. */
export function buyerOf({ name, email, country, region, taxId }: Customer): StoredParty {
  return {
    name,
    address: [],
    ...(email !== undefined && { email }),
    ...(country !== undefined && { country }),
    ...(country !== undefined && region !== undefined && { region }),
    ...(taxId !== undefined && { taxId }),
  }
}
