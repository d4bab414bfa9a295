import { formatContentHash } from '@tallystick/protocol'
import type { Store } from '@tallystick/storage'
import type { z } from 'zod'
import { anchors } from './anchoring/collections.ts'
import type { StoredAnchor } from './anchoring/collections.ts'
import type { anchorView } from './schemas.ts'

/** A page of the log's anchors, newest first. */
export async function listAnchors(
  { store, origin }: { store: Store; origin: string },
  { limit, starting_after }: { limit: number; starting_after?: string | undefined },
): Promise<{ data: z.infer<typeof anchorView>[]; next: string | undefined }> {
  const page = await store.find(anchors.byTime, {
    equals: [origin],
    order: 'desc',
    limit,
    after: starting_after,
  })
  return { data: page.items.map(view), next: page.next }
}

function view(anchor: StoredAnchor): z.infer<typeof anchorView> {
  const {
    chain,
    contract,
    size,
    root,
    state,
    reason,
    tx,
    block,
    gasUsed,
    effectiveGasPrice,
    createdAt,
    finalAt,
  } = anchor
  return {
    object: 'anchor',
    chain,
    contract,
    size,
    root: formatContentHash(root),
    state,
    ...(reason && { reason: { ...reason, since: reason.since.toISOString() } }),
    ...(tx !== undefined && { tx }),
    ...(block && { block }),
    ...(gasUsed !== undefined && { gas_used: gasUsed }),
    ...(effectiveGasPrice !== undefined && { effective_gas_price: effectiveGasPrice }),
    created_at: createdAt.toISOString(),
    ...(finalAt && { final_at: finalAt.toISOString() }),
  }
}
