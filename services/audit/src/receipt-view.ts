import { formatContentHash } from '@tallystick/protocol'
import type { AuditReceipt } from '@tallystick/protocol'
import { receiptEntry } from '@tallystick/receipt'
import type { z } from 'zod'
import type { receipts } from './collections.ts'

/** A stored receipt as the API tells it; `index` is its place in the log once it has one. */
export function receiptView(
  receipt: z.infer<typeof receipts.schema>,
  { livemode }: { livemode: boolean },
  index?: number,
): AuditReceipt {
  return {
    object: 'audit_receipt',
    id: receipt.id,
    event: receipt.event,
    kind: receipt.kind,
    actor: receipt.actor,
    licenses: receipt.licenses,
    items: receipt.items,
    created_at: receipt.at.toISOString(),
    merge_by: receipt.mergeBy.toISOString(),
    livemode,
    receipt: receipt.jws,
    receipt_hash: formatContentHash(receiptEntry(receipt.jws)),
    ...(index !== undefined && { index }),
  }
}
