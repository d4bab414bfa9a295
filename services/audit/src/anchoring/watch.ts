import type { StoredTransaction } from './collections.ts'
import type { TransactionReceipt } from './chain-reads.ts'
import { move, moveToIntent, unmined, wait } from './machine.ts'
import type { AnchorRead, Context, Outcome } from './machine.ts'
import { signReplacement } from './submit.ts'

const mostReverts = 8
/** How many replacement times a nonce gap may last before the anchor gets another nonce. */
const gapPatience = 10

/**
 * `sent` → `mined`, or back. Looks for each transaction that was ever signed for the anchor, for any of them may be the
 * one that was mined.
 */
export async function watch(context: Context, anchor: AnchorRead): Promise<Outcome> {
  const { chain } = context
  // Before the receipts: a nonce that was used by then has its receipt by now.
  const sender = await chain.sender()
  const nonces = await chain.nonces(sender)
  for (const transaction of anchor.transactions.toReversed()) {
    const receipt = await chain.receipt(transaction.hash)
    if (receipt?.succeeded === true) return mined(context, anchor, transaction, receipt)
    if (receipt !== undefined && transaction.nonce === anchor.nonce) {
      return reverted(context, anchor, transaction, receipt)
    }
  }
  const { nonce } = anchor
  const last = anchor.transactions.at(-1)
  if (nonce === undefined || last === undefined || anchor.sender !== sender) return moveToIntent(anchor)
  if (nonces.latest > nonce) return moveToIntent(anchor) // another transaction of the account used the nonce
  if (nonces.pending < nonce) return gap(context, anchor, last, nonces.pending)
  if (nonces.pending === nonce && restedSince(context, anchor.broadcastAt, 4)) return move(anchor, 'signed')
  if (restedSince(context, last.signedAt, 1)) return signReplacement(context, anchor)
  return wait('pending', `transaction ${last.hash} waits to be mined`)
}

async function mined(
  { chain, now }: Context,
  anchor: AnchorRead,
  { hash, nonce }: StoredTransaction,
  { block, gasUsed, effectiveGasPrice }: TransactionReceipt,
): Promise<Outcome> {
  return move(anchor, 'mined', {
    nonce,
    tx: hash,
    block,
    gasUsed,
    effectiveGasPrice: effectiveGasPrice.toString(),
    genesis: (await chain.blockAt(0))?.hash,
    minedAt: now,
  })
}

/** The contract refused in a block: the fee is gone. Looks again, at growing distances, what the contract holds. */
function reverted(
  { chain, now }: Context,
  anchor: AnchorRead,
  transaction: StoredTransaction,
  { gasUsed, effectiveGasPrice }: TransactionReceipt,
): Outcome {
  const revertedCost = (BigInt(gasUsed) * effectiveGasPrice).toString()
  const delay = chain.config.replaceAfterMs * 2 ** Math.min(anchor.reverts, mostReverts)
  return moveToIntent(anchor, {
    transactions: anchor.transactions.map((known) =>
      known === transaction ? { ...known, revertedCost } : known,
    ),
    reverts: anchor.reverts + 1,
    notBefore: new Date(now.getTime() + delay),
  })
}

/**
 * Nonces before ours are missing, so ours cannot be mined. The account's owner may be about to fill them; on a new chain
 * nobody will, and after some time without our transaction in any pool another nonce is as good.
 */
async function gap(
  context: Context,
  anchor: AnchorRead,
  last: StoredTransaction,
  next: number,
): Promise<Outcome> {
  const { chain } = context
  const genesis = await chain.blockAt(0)
  if (genesis !== undefined && anchor.genesis !== undefined && genesis.hash !== anchor.genesis) {
    return moveToIntent(anchor, unmined)
  }
  if (restedSince(context, last.signedAt, 1 / gapPatience) && !(await chain.knows(last.hash))) {
    return moveToIntent(anchor)
  }
  return wait('nonce_gap', `the account's next nonce is ${next}, the transaction has ${last.nonce}`)
}

/** Whether a replacement time, divided by `part`, passed since a moment; always for none. */
function restedSince({ chain, now }: Context, moment: Date | undefined, part: number): boolean {
  return moment === undefined || now.getTime() - moment.getTime() >= chain.config.replaceAfterMs / part
}
