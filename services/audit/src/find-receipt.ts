import { Fault } from '@tallystick/protocol'
import type { AuditReceipt } from '@tallystick/protocol'
import { receiptEntry } from '@tallystick/receipt'
import type { Scalar, Stored } from '@tallystick/storage'
import type { z } from 'zod'
import { positions, receipts } from './collections.ts'
import type { Deps } from './deps.ts'
import { inListOrder, pageQuery } from './page-query.ts'
import { receiptView } from './receipt-view.ts'

/** A receipt as it is stored. */
export type StoredReceipt = Stored<z.infer<typeof receipts.schema>>

/** The receipt of `tenant`, or Fault `not_found`: another tenant's receipt is told apart from none by nobody. */
export async function findReceipt(
  deps: Pick<Deps, 'store'>,
  tenant: string,
  id: string,
): Promise<StoredReceipt> {
  const receipt = await deps.store.get(receipts, id)
  if (!receipt || receipt.tenant !== tenant) throw new Fault('not_found')
  return receipt
}

/** Which receipts to list; at most one of the filters beside the times. */
export interface ReceiptFilter {
  license?: string | undefined
  item?: string | undefined
  actor?: string | undefined
  kind?: string | undefined
  created_from?: string | undefined
  created_before?: string | undefined
  limit: number
  /** The cursor of a receipt: what comes after it in the list. */
  starting_after?: string | undefined
  /** The cursor of a receipt: what comes just before it, in the list's order; `next` leads on towards the newest. */
  ending_before?: string | undefined
}

/** A page of the receipts of `tenant`, newest first. Throws Fault `validation_failed`. */
export async function listReceipts(
  deps: Pick<Deps, 'store' | 'livemode'>,
  tenant: string,
  filter: ReceiptFilter,
): Promise<{ data: AuditReceipt[]; next: string | undefined }> {
  const filters = (['license', 'item', 'actor', 'kind'] as const).filter((name) => filter[name] !== undefined)
  if (filters.length > 1) {
    const errors = filters.map((name) => ({
      pointer: `/${name}`,
      message: 'only one of license, item, actor and kind can be given',
      fix: 'Keep one of them, and filter the rest of the page yourself.',
    }))
    throw new Fault('validation_failed', { errors })
  }
  const [name] = filters
  const indexes = {
    license: receipts.byLicense,
    item: receipts.byItem,
    actor: receipts.byActor,
    kind: receipts.byKind,
  }
  const equals: Scalar[] = name ? [tenant, filter[name] ?? ''] : [tenant]
  const range = {
    ...(filter.created_from && { from: new Date(filter.created_from) }),
    ...(filter.created_before && { before: new Date(filter.created_before) }),
  }
  const page = await deps.store.find(name ? indexes[name] : receipts.byTenant, {
    equals,
    range: Object.keys(range).length > 0 ? range : undefined,
    ...pageQuery(filter),
  })
  const items = inListOrder(filter, page.items)
  const places = await deps.store.getMany(positions, items.map(entryHex))
  return {
    data: items.map((receipt, place) => receiptView(receipt, deps, places[place]?.index)),
    next: page.next,
  }
}

/** The key under which the log knows the receipt: its entry in hex. */
export function entryHex({ jws }: { jws: string }): string {
  return Buffer.from(receiptEntry(jws)).toString('hex')
}
