import { collection, insert, replace } from '@tallystick/storage'
import type { Store, Write } from '@tallystick/storage'
import { z } from 'zod'
import { anchors } from './anchoring/collections.ts'
import { anchorCovering } from './anchoring/list-anchors.ts'
import type { StoredAnchor } from './anchoring/collections.ts'
import { logIdOf, stateProof } from './chain.ts'
import type { ChainClient } from './chain.ts'
import { checkpoints, sizeId } from './collections.ts'
import type { AnchoredHeads } from './deps.ts'

/**
 * EIP-1186 proofs of anchored roots, by anchor. Taken while the chain's nodes still have the block's state, and kept, so
 * that evidence asks no chain and stays provable for ever.
 */
export const anchorProofs = collection('anchor_proofs', {
  schema: z.object({
    id: z.string(),
    block: z.string(),
    header: z.string(),
    account: z.array(z.string()),
    storage: z.array(z.string()),
  }),
  partition: 'id',
})

const lookBack = 8

function isOnChain(anchor: StoredAnchor): boolean {
  return (
    (anchor.state === 'mined' || anchor.state === 'final') &&
    anchor.tx !== undefined &&
    anchor.block !== undefined
  )
}

/** Takes the state proofs of the newest anchors on `chain` that lack one, or whose block has changed. */
export async function keepStateProofs(
  { store, origin }: { store: Store; origin: string },
  chain: ChainClient,
  fence: () => Write,
): Promise<void> {
  const equals = [chain.id, chain.contract, origin]
  const { items } = await store.find(anchors.bySize, { equals, order: 'desc', limit: lookBack })
  for (const anchor of items.filter(isOnChain)) {
    const known = await store.get(anchorProofs, anchor.id)
    const block = anchor.block?.hash ?? ''
    if (known?.block === block) continue
    const proof = await stateProof(chain, chain.contract, logIdOf(origin), anchor.size, block)
    if (!proof) continue
    const document = { id: anchor.id, block, ...proof }
    await store.commit([
      fence(),
      known ? replace(anchorProofs, document, known.version) : insert(anchorProofs, document),
    ])
  }
}

/** The anchored heads that cover a log index: for each chain the first one on chain at or after it. */
export function anchoredHeads(store: Store, origin: string, chains: readonly ChainClient[]): AnchoredHeads {
  return async (index) => {
    const heads: Awaited<ReturnType<AnchoredHeads>>['heads'] = []
    for (const chain of chains) {
      const anchor = await anchorCovering(
        { store },
        { chain: chain.id, contract: chain.contract, origin, index },
      )
      if (!anchor?.tx || !anchor.block) continue
      const { chain: id, contract, tx, block, size, root } = anchor
      const proof = await store.get(anchorProofs, anchor.id)
      heads.push({
        chain: id,
        contract,
        tx,
        block,
        size,
        root,
        state: proof?.block === block.hash ? proof : undefined,
      })
    }
    const [first] = heads
    return { heads, checkpoint: first && (await store.get(checkpoints, sizeId(first.size))) }
  }
}
