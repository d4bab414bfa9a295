import { collection } from '@tallystick/storage'
import { z } from 'zod'

const bytes = z.custom<Uint8Array>((value) => value instanceof Uint8Array, 'must be bytes')
const wei = z.string().regex(/^[0-9]+$/)

/** A transaction that we signed. It is stored before it is broadcast, so no crash can make us forget one. */
export const storedTransaction = z.object({
  hash: z.string(),
  /** The signed bytes: broadcasting them again is the same transaction again. */
  raw: bytes,
  nonce: z.int(),
  gas: z.int(),
  maxFeePerGas: wei,
  maxPriorityFeePerGas: wei,
  signedAt: z.date(),
  /** What a reverted transaction cost, in wei. */
  revertedCost: wei.optional(),
})
export type StoredTransaction = z.infer<typeof storedTransaction>

/**
 * `intent`: to be anchored. `reserved`: has its nonce. `signed`: its last transaction is to be broadcast. `sent`: a node
 * took it. `mined`: the root is on chain, and may still be reorganized away. `final`: it may not. `conflict`: the chain
 * holds another history: an alarm. `superseded`: the chain went past this size. `lost`: it was on a chain that is gone.
 */
export const anchorState = z.enum([
  'intent',
  'reserved',
  'signed',
  'sent',
  'mined',
  'final',
  'conflict',
  'superseded',
  'lost',
])
export type AnchorState = z.infer<typeof anchorState>

/** Why an anchor stands still: a code for machines, a message for people, and since when. */
export const storedReason = z.object({ code: z.string(), message: z.string(), since: z.date() })

/** One tree head and all that was done to get it onto one chain. */
export const storedAnchor = z.object({
  id: z.string(),
  chain: z.string(),
  contract: z.string(),
  /** The log's origin. */
  log: z.string(),
  size: z.int(),
  root: bytes,
  state: anchorState,
  /** Whether the machine still has to do with it. */
  open: z.boolean(),
  reason: storedReason.optional(),
  /** The size on chain that this one grew from. */
  from: z.int().optional(),
  sender: z.string().optional(),
  /** The hash of the chain's block 0 when the nonce was reserved or the root was seen: another one is another chain. */
  genesis: z.string().optional(),
  nonce: z.int().optional(),
  transactions: z.array(storedTransaction),
  broadcastAt: z.date().optional(),
  /** Do not try again before this. */
  notBefore: z.date().optional(),
  reverts: z.int(),
  reorgs: z.int(),
  /** The transaction that anchored it: ours, or another's. */
  tx: z.string().optional(),
  block: z.object({ number: z.int(), hash: z.string() }).optional(),
  gasUsed: z.int().optional(),
  effectiveGasPrice: wei.optional(),
  createdAt: z.date(),
  minedAt: z.date().optional(),
  finalAt: z.date().optional(),
  /** When a final anchor was last seen on chain. */
  examinedAt: z.date().optional(),
})
export type StoredAnchor = z.infer<typeof storedAnchor>

/** The anchors of all chains; see storedAnchor. */
export const anchors = collection('anchors', {
  schema: storedAnchor,
  partition: 'id',
  indexes: {
    byOpen: { keys: ['chain', 'contract', 'log', 'size'], where: { open: true } },
    bySize: ['chain', 'contract', 'log', 'size'],
    byLog: ['log', 'size'],
    byTime: ['log', 'createdAt'],
  },
})

/** The last nonce given out of each account on each chain. Written with each reservation, so that two cannot cross. */
export const anchorAccounts = collection('anchor_accounts', {
  schema: z.object({ id: z.string(), nonce: z.int(), at: z.date() }),
  partition: 'id',
})

/** The id of the anchor of one size of one log in one contract on one chain. */
export function anchorId(anchor: Pick<StoredAnchor, 'chain' | 'contract' | 'log' | 'size'>): string {
  return `${anchor.chain}/${anchor.contract}/${anchor.log}/${String(anchor.size).padStart(16, '0')}`
}
