import { sameHash, verifyConsistency } from '@tallystick/merkle'
import type { AnchorCall, RegistryView } from '../chain.ts'
import { ChainError } from './chain-error.ts'
import type { BlockHead } from './chain-reads.ts'
import type { FeeMarket } from './fees.ts'
import { move, wait } from './machine.ts'
import type { AnchorRead, Context, Outcome } from './machine.ts'
import { vanished } from './vanished.ts'

/** The chain would take the anchor now, by this call. */
export interface Ready {
  type: 'ready'
  call: AnchorCall
  /** The head on chain that the call's proof starts at. */
  from: number
  gas: number
  market: FeeMarket
  genesis: string | undefined
}

/** Gas beyond the estimate: state that others change meanwhile makes proofs a little dearer. */
const gasMargin = 1.2

/**
 * Looks at the contract before a transaction is signed: whether the root is there already, whether the chain's head is a
 * prefix of our log, and whether the contract would take the anchor from this account.
 */
export async function examine(context: Context, anchor: AnchorRead): Promise<Outcome | Ready> {
  const { chain, logId } = context
  const latest = await chain.latest()
  const registry = await chain.registry(logId, anchor.size, latest.hash)
  if (!registry.deployed) return wait('contract_missing', `no contract at ${chain.contract}`)
  if (registry.root !== undefined) return settled(context, anchor, registry.root, latest)
  const gone = await vanished(context, latest)
  if (gone !== undefined) return gone
  if (registry.head.size >= anchor.size) return passed(context, anchor, registry.head)
  const refusal = await refusalOf(context, registry)
  if (refusal !== undefined) return refusal
  return prepare(context, anchor, registry.head, latest)
}

/** Somebody's transaction put a root at this size: ours or another copy's is success, any other an alarm. */
async function settled(
  context: Context,
  anchor: AnchorRead,
  root: Uint8Array,
  latest: BlockHead,
): Promise<Outcome> {
  const { chain, logId, now } = context
  if (!sameHash(root, anchor.root)) {
    return conflict(context, anchor, `the chain holds another root at size ${anchor.size}`)
  }
  // Some providers refuse to search logs; the block in which the root was seen proves as much.
  const found = await chain.findAnchored(logId, anchor.size).catch(() => undefined)
  return move(anchor, 'mined', {
    nonce: undefined,
    genesis: (await chain.blockAt(0))?.hash,
    minedAt: now,
    tx: found?.tx,
    block: found?.receipt.block ?? { number: latest.number, hash: latest.hash },
    gasUsed: found?.receipt.gasUsed,
    effectiveGasPrice: found?.receipt.effectiveGasPrice.toString(),
  })
}

/** The chain's head is beyond this size, which can therefore never be anchored: fine if that head is ours. */
async function passed(context: Context, anchor: AnchorRead, head: RegistryView['head']): Promise<Outcome> {
  const checkpoint = await context.deps.latestCheckpoint()
  if (checkpoint === undefined || checkpoint.size < head.size) {
    return wait('chain_ahead', `the chain holds size ${head.size}, the log only ${checkpoint?.size ?? 0}`)
  }
  const ours = await continues(context, head, checkpoint)
  return ours
    ? move(anchor, 'superseded', { nonce: undefined })
    : conflict(context, anchor, otherHistory(head.size))
}

async function refusalOf({ chain, deps }: Context, registry: RegistryView): Promise<Outcome | undefined> {
  if (registry.publisher === undefined) return wait('log_not_registered', `nobody registered ${deps.origin}`)
  const sender = await chain.sender()
  if (registry.publisher === sender) return undefined
  return wait('not_publisher', `the publisher is ${registry.publisher}, not ${sender}`)
}

async function prepare(
  context: Context,
  anchor: AnchorRead,
  head: RegistryView['head'],
  latest: BlockHead,
): Promise<Outcome | Ready> {
  const { chain, deps, logId } = context
  if (!(await continues(context, head, anchor))) return conflict(context, anchor, otherHistory(head.size))
  const { size, root } = anchor
  const consistencyProof = head.size === 0 ? [] : await deps.consistencyProof(head.size, size)
  const call = { logId, size, root, consistencyProof }
  try {
    const gas = Math.ceil((await chain.estimateAnchor(call)) * gasMargin)
    return {
      type: 'ready',
      call,
      from: head.size,
      gas,
      market: await chain.feeMarket(latest),
      genesis: (await chain.blockAt(0))?.hash,
    }
  } catch (error) {
    if (!(error instanceof ChainError)) throw error
    if (error.code === 'reverted') return wait('contract_refuses', error.message)
    if (/insufficient funds|exceeds allowance/i.test(error.message)) return noFunds(context)
    throw error
  }
}

/** Whether a head on chain is a prefix of our tree at a later size, which also covers equality. */
async function continues(
  { deps }: Context,
  head: RegistryView['head'],
  to: { size: number; root: Uint8Array },
): Promise<boolean> {
  if (head.size === 0) return true
  if (head.size === to.size) return sameHash(head.root, to.root)
  const proof = await deps.consistencyProof(head.size, to.size)
  return verifyConsistency({ from: head.size, to: to.size, fromRoot: head.root, toRoot: to.root, proof })
}

/** The account cannot pay. */
export async function noFunds({ chain }: Context): Promise<Outcome> {
  return wait('insufficient_funds', `the account ${await chain.sender()} cannot pay for the transaction`)
}

function otherHistory(size: number): string {
  return `the chain's head at size ${size} is not a prefix of this log`
}

/** An alarm, and no move when it was raised already. */
function conflict({ now }: Context, anchor: AnchorRead, message: string): Outcome {
  const reason = { code: 'other_history', message } as const
  if (anchor.state === 'conflict') return { type: 'wait', reason }
  return move(anchor, 'conflict', { nonce: undefined, reason: { ...reason, since: now } })
}
