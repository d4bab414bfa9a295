import { Fault } from '@tallystick/protocol'
import type { Page } from '@tallystick/protocol'
import { listPage, reachesTenant } from '@tallystick/runtime'
import type { Caller } from '@tallystick/runtime'
import type { z } from 'zod'
import { findCustomer, ownCustomer } from '../customers/find-customer.ts'
import type { Deps } from '../deps.ts'
import { subscriptions } from '../subscriptions/collections.ts'
import { invoices } from './collections.ts'
import type { invoiceView, ListInvoicesInput } from './invoice-schemas.ts'
import { viewInvoice } from './invoice-view.ts'

/** A page of the invoices that the caller may see. Throws Fault `not_found` for a customer or subscription of others. */
export async function listInvoices(
  deps: Pick<Deps, 'store' | 'livemode'>,
  caller: Caller,
  input: ListInvoicesInput,
): Promise<Page<z.infer<typeof invoiceView>>> {
  const { index, equals } = await filterOf(deps, caller, input)
  return listPage(
    { tenant: caller.tenant, url: '/v1/invoices' },
    input,
    (query) => deps.store.find(index, { equals, ...query }),
    (invoice) => viewInvoice(deps, invoice),
  )
}

async function filterOf(deps: Pick<Deps, 'store'>, caller: Caller, input: ListInvoicesInput) {
  const { tenant } = caller
  const { subscription, status } = input
  if (subscription !== undefined) {
    const found = await deps.store.get(subscriptions, subscription)
    if (!found || found.tenant !== tenant) throw new Fault('not_found')
    await findCustomer(deps, caller, found.customer)
    return { index: invoices.bySubscription, equals: [tenant, subscription] }
  }
  if (input.customer !== undefined) await findCustomer(deps, caller, input.customer)
  const own = reachesTenant(caller) ? undefined : ((await ownCustomer(deps, caller))?.id ?? '')
  const customer = input.customer ?? own
  if (customer !== undefined) {
    return status === undefined
      ? { index: invoices.byCustomer, equals: [tenant, customer] }
      : { index: invoices.byCustomerStatus, equals: [tenant, customer, status] }
  }
  if (status !== undefined) return { index: invoices.byStatus, equals: [tenant, status] }
  return { index: invoices.byTenant, equals: [tenant] }
}
