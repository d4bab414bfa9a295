import { Fault } from '@tallystick/protocol'
import type { AuditReceipt, Page, PageInput } from '@tallystick/protocol'
import { receiptEntryHex } from '@tallystick/receipt'
import { cursorChecked, pageQuery, toPage } from '@tallystick/runtime'
import type { Stored } from '@tallystick/storage'
import type { z } from 'zod'
import { positions, receipts } from './collections.ts'
import type { Deps } from './deps.ts'
import type { Reach } from './reach.ts'
import { receiptView } from './receipt-view.ts'
import { createdRange, soleFilter } from './sole-filter.ts'

/** A receipt as it is stored. */
export type StoredReceipt = Stored<z.infer<typeof receipts.schema>>

/** The receipt within reach, or Fault `not_found`: one that is out of reach is told apart from none by nobody. */
export async function findReceipt(
  deps: Pick<Deps, 'store'>,
  { tenant, actor }: Reach,
  id: string,
): Promise<StoredReceipt> {
  const receipt = await deps.store.get(receipts, id)
  if (!receipt || receipt.tenant !== tenant) throw new Fault('not_found')
  if (actor !== undefined && receipt.actor !== actor) throw new Fault('not_found')
  return receipt
}

/** Which receipts to list; at most one of the filters beside the times. */
export interface ReceiptFilter extends PageInput {
  license?: string | undefined
  item?: string | undefined
  actor?: string | undefined
  kind?: string | undefined
  created_from?: string | undefined
  created_before?: string | undefined
}

/** A page of the receipts within reach, newest first. Throws Fault `validation_failed`. */
export async function listReceipts(
  deps: Pick<Deps, 'store' | 'livemode'>,
  reach: Reach,
  asked: ReceiptFilter,
): Promise<Page<AuditReceipt>> {
  const { tenant } = reach
  const filter = { ...asked, actor: asked.actor ?? reach.actor }
  const sole = soleFilter(filter, ['license', 'item', 'actor', 'kind'])
  const indexes = {
    license: receipts.byLicense,
    item: receipts.byItem,
    actor: receipts.byActor,
    kind: receipts.byKind,
  }
  const list = { tenant, url: '/v1/audit' }
  const query = pageQuery(list, filter)
  if (reach.actor !== undefined && filter.actor !== reach.actor) return toPage(list, filter, { items: [] })
  const { items, next } = await cursorChecked(filter, () =>
    deps.store.find(sole ? indexes[sole.name] : receipts.byTenant, {
      equals: sole ? [tenant, sole.value] : [tenant],
      range: createdRange(filter),
      ...query,
    }),
  )
  const places = await deps.store.getMany(
    positions,
    items.map(({ jws }) => receiptEntryHex(jws)),
  )
  const views = items.map((receipt, place) => receiptView(receipt, deps, places[place]?.index))
  return toPage(list, filter, { items: views, next })
}
