import { sameHash } from '@tallystick/merkle'
import type { BlockHead } from './chain-reads.ts'
import { move, moveToIntent, unmined, wait } from './machine.ts'
import type { AnchorRead, Context, Outcome } from './machine.ts'

/**
 * `mined` → `final`, or back: the block is fetched again each time, and counts only while the chain has it at its height
 * and the contract holds the root in a final state.
 */
export async function settle(context: Context, anchor: AnchorRead): Promise<Outcome> {
  const { chain, logId, now } = context
  const { block, tx } = anchor
  if (block === undefined) return moveToIntent(anchor)
  if (!(await isInBlock(context, tx, block))) return back(anchor)
  const last = await finalBlock(context)
  if (last === undefined || last.number < block.number) {
    return wait(
      'not_final',
      `block ${block.number} is not final, the last final one is ${last?.number ?? 'none'}`,
    )
  }
  if (!(await isInBlock(context, undefined, block))) return back(anchor)
  const hashes = await chain.hashesAt(block.number)
  if (hashes.some((hash) => hash !== block.hash)) {
    return wait('nodes_disagree', `the RPC URLs name different blocks ${block.number}`)
  }
  const { root } = await chain.registry(logId, anchor.size, last.hash)
  if (root === undefined || !sameHash(root, anchor.root)) return back(anchor)
  return move(anchor, 'final', { finalAt: now, examinedAt: now })
}

/** Whether the chain has the transaction, or without one just the block, where it was. */
async function isInBlock(
  { chain }: Context,
  tx: string | undefined,
  block: { number: number; hash: string },
): Promise<boolean> {
  if (tx === undefined) return (await chain.blockAt(block.number))?.hash === block.hash
  const receipt = await chain.receipt(tx)
  return receipt?.succeeded === true && receipt.block.hash === block.hash
}

async function finalBlock({ chain }: Context): Promise<BlockHead | undefined> {
  const { confirmations } = chain.config
  if (confirmations === undefined) return chain.finalized()
  const latest = await chain.latest()
  const number = latest.number - confirmations + 1
  return number < 0 ? undefined : chain.blockAt(number)
}

/** The block was reorganized away. Our transactions are looked for again; another's anchor is made anew. */
function back(anchor: AnchorRead): Outcome {
  const reorgs = anchor.reorgs + 1
  const ours = anchor.nonce !== undefined && anchor.transactions.some(({ hash }) => hash === anchor.tx)
  if (!ours) return moveToIntent(anchor, { reorgs })
  return move(anchor, 'sent', { ...unmined, reorgs, broadcastAt: undefined })
}
