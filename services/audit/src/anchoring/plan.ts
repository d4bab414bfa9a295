import { insert } from '@tallystick/storage'
import { anchorId, anchors } from './collections.ts'
import type { StoredAnchor } from './collections.ts'
import { change, moveToIntent, wait } from './machine.ts'
import type { AnchorRead, Context, Outcome } from './machine.ts'
import { vanished } from './vanished.ts'

const leastReviewMs = 60_000

/** Starts an anchor when one is due by time or by growth. Asks the chain nothing, so that a chain that is down shows. */
export async function plan(context: Context): Promise<Outcome> {
  const { chain, deps } = context
  const { items } = await deps.store.find(anchors.bySize, {
    equals: [chain.id, chain.contract, deps.origin],
    order: 'desc',
    limit: 1,
  })
  const newest = items[0]
  const checkpoint = await deps.latestCheckpoint()
  if (checkpoint === undefined || !isDue(context, newest, checkpoint.size)) return review(context, newest)
  if (newest?.size === checkpoint.size) return moveToIntent(newest, { reverts: 0, notBefore: undefined })
  const anchor = freshAnchor(context, checkpoint)
  return { type: 'move', state: 'intent', writes: [insert(anchors, anchor)] }
}

function isDue({ chain, now }: Context, newest: AnchorRead | undefined, size: number): boolean {
  if (newest === undefined) return size > 0
  if (newest.state === 'lost') return size >= newest.size
  const { everyMs, everyEntries } = chain.config
  const grown = size - newest.size
  return grown >= everyEntries || (grown > 0 && now.getTime() - newest.createdAt.getTime() >= everyMs)
}

/** With nothing to do, looks now and then whether the last anchor is still there: a test chain may have been reset. */
async function review(context: Context, newest: AnchorRead | undefined): Promise<Outcome> {
  const { chain, now } = context
  if (newest?.state !== 'final') return { type: 'rest' }
  const since = newest.examinedAt ?? newest.createdAt
  if (now.getTime() - since.getTime() < Math.max(chain.config.everyMs, leastReviewMs)) return { type: 'rest' }
  const latest = await chain.latest()
  if ((await chain.code(chain.contract, latest.hash)) === '0x') {
    return wait('contract_missing', `no contract at ${chain.contract}`)
  }
  const gone = await vanished(context, latest)
  return gone ?? { type: 'move', state: 'final', writes: [change(newest, { examinedAt: now })] }
}

function freshAnchor({ chain, deps, now }: Context, head: { size: number; root: Uint8Array }): StoredAnchor {
  const named = { chain: chain.id, contract: chain.contract, log: deps.origin, size: head.size }
  return {
    ...named,
    id: anchorId(named),
    root: head.root,
    state: 'intent',
    open: true,
    transactions: [],
    reverts: 0,
    reorgs: 0,
    createdAt: now,
  }
}
