import type { Customer } from '../customers/find-customer.ts'
import type { StoredParty } from './collections.ts'

/** A customer as an invoice names it. */
export function buyerOf({ name, email, country, taxId }: Customer): StoredParty {
  return {
    name,
    address: [],
    ...(email !== undefined && { email }),
    ...(country !== undefined && { country }),
    ...(taxId !== undefined && { taxId }),
  }
}
