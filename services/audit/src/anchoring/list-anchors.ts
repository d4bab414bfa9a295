import { contentHash, timestamp } from '@tallystick/protocol'
import type { Page, PageInput } from '@tallystick/protocol'
import { listPage } from '@tallystick/runtime'
import type { Store } from '@tallystick/storage'
import { z } from 'zod'
import { anchors, anchorState } from './collections.ts'
import type { StoredAnchor } from './collections.ts'

const wei = z.string().regex(/^[0-9]+$/)

/** An anchor as `/v1/anchors` tells it. `reason` says why it stands still. */
export const anchorView = z.strictObject({
  object: z.literal('anchor'),
  chain: z.string(),
  contract: z.string(),
  log: z.string(),
  size: z.int(),
  root: contentHash,
  state: anchorState,
  reason: z.strictObject({ code: z.string(), message: z.string(), since: timestamp }).optional(),
  tx: z.string().optional(),
  block: z.strictObject({ number: z.int(), hash: z.string() }).optional(),
  /** How many transactions were signed for it; more than one when it was replaced. */
  attempts: z.int(),
  gas_used: z.int().optional(),
  effective_gas_price: wei.optional(),
  created_at: timestamp,
  mined_at: timestamp.optional(),
  final_at: timestamp.optional(),
})
export type AnchorView = z.infer<typeof anchorView>

/** The anchors of a log on all its chains, those of the newest checkpoint first. */
export async function listAnchors(
  { store, origin }: { store: Store; origin: string },
  input: PageInput,
): Promise<Page<AnchorView>> {
  return listPage(
    { url: '/v1/anchors' },
    input,
    (query) => store.find(anchors.byTime, { equals: [origin], ...query }),
    viewOf,
  )
}

/**
 * The anchor that can stand in the evidence of entry `index`: the smallest anchored tree on the chain that holds it, a
 * final one before one that is only mined.
 */
export async function anchorCovering(
  { store }: { store: Store },
  { chain, contract, origin, index }: { chain: string; contract: string; origin: string; index: number },
): Promise<StoredAnchor | undefined> {
  const equals = [chain, contract, origin]
  let mined: StoredAnchor | undefined
  for await (const anchor of store.scan(anchors.bySize, { equals, range: { after: index } })) {
    if (anchor.state === 'final') return anchor
    if (anchor.state === 'mined') mined ??= anchor
  }
  return mined
}

function viewOf(anchor: StoredAnchor): AnchorView {
  const { reason, minedAt, finalAt } = anchor
  return {
    object: 'anchor',
    chain: anchor.chain,
    contract: anchor.contract,
    log: anchor.log,
    size: anchor.size,
    root: `sha256:${Buffer.from(anchor.root).toString('hex')}`,
    state: anchor.state,
    attempts: anchor.transactions.length,
    created_at: anchor.createdAt.toISOString(),
    ...(reason === undefined ? {} : { reason: { ...reason, since: reason.since.toISOString() } }),
    ...(anchor.tx === undefined ? {} : { tx: anchor.tx }),
    ...(anchor.block === undefined ? {} : { block: anchor.block }),
    ...(anchor.gasUsed === undefined ? {} : { gas_used: anchor.gasUsed }),
    ...(anchor.effectiveGasPrice === undefined ? {} : { effective_gas_price: anchor.effectiveGasPrice }),
    ...(minedAt === undefined ? {} : { mined_at: minedAt.toISOString() }),
    ...(finalAt === undefined ? {} : { final_at: finalAt.toISOString() }),
  }
}
