import type { Store } from '@tallystick/storage'
import { anchors } from './collections.ts'

/** What anchoring a log on a chain has cost. Amounts are wei of the chain's own currency. */
export interface AnchorCosts {
  chain: string
  contract: string
  /** Anchors on chain, whoever paid for them, and those among them that we paid for. */
  anchors: number
  paid: number
  /** Transactions of ours that the contract refused in a block; their cost is part of `total`. */
  reverted: number
  gasUsed: number
  total: bigint
  /** The mean price of a unit of gas, 0 when nothing was paid. */
  effectiveGasPrice: bigint
  perAnchor: bigint
  /** Entries that the anchors cover: the largest anchored size. */
  receipts: number
  perThousandReceipts: bigint
}

/** Adds up the costs of a log's anchors on one chain; reads every anchor of it. */
export async function anchorCosts(
  store: Store,
  { chain, contract, origin }: { chain: string; contract: string; origin: string },
): Promise<AnchorCosts> {
  const sum = { anchors: 0, paid: 0, reverted: 0, gasUsed: 0, receipts: 0, gasCost: 0n, revertedCost: 0n }
  for await (const anchor of store.scan(anchors.bySize, { equals: [chain, contract, origin] })) {
    for (const { revertedCost } of anchor.transactions) {
      if (revertedCost === undefined) continue
      sum.reverted++
      sum.revertedCost += BigInt(revertedCost)
    }
    if (anchor.state !== 'mined' && anchor.state !== 'final') continue
    sum.anchors++
    sum.receipts = anchor.size
    if (!anchor.transactions.some(({ hash }) => hash === anchor.tx)) continue
    sum.paid++
    sum.gasUsed += anchor.gasUsed ?? 0
    sum.gasCost += BigInt(anchor.gasUsed ?? 0) * BigInt(anchor.effectiveGasPrice ?? 0)
  }
  const { gasCost, revertedCost, ...counts } = sum
  const total = gasCost + revertedCost
  return {
    chain,
    contract,
    ...counts,
    total,
    effectiveGasPrice: share(gasCost, sum.gasUsed),
    perAnchor: share(total, sum.anchors),
    perThousandReceipts: share(total * 1000n, sum.receipts),
  }
}

function share(amount: bigint, among: number): bigint {
  return among === 0 ? 0n : amount / BigInt(among)
}
