import { replace } from '@tallystick/storage'
import type { Store, Stored, Write } from '@tallystick/storage'
import type { ChainClient } from '../chain.ts'
import { anchors } from './collections.ts'
import type { AnchorState, StoredAnchor } from './collections.ts'

/** What anchoring needs from its service. */
export interface AnchorDeps {
  store: Store
  now(): Date
  /** The log's origin. */
  origin: string
  /** The newest published head; undefined while there is none. `root` is 32 bytes. */
  latestCheckpoint(): Promise<{ size: number; root: Uint8Array } | undefined>
  /** The RFC 6962 consistency proof between two sizes of the log, `from` at least 1. */
  consistencyProof(from: number, to: number): Promise<Uint8Array[]>
  log: AnchorLog
  /** Added to every commit: the lease under which the anchorer works. */
  fence?: Write
}

/** The part of a pino logger that anchoring uses. */
export interface AnchorLog {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** Why an anchor does not move. All but `pending` and `not_final` want somebody's attention. */
export type ReasonCode =
  | 'pending'
  | 'not_final'
  | 'rpc_unreachable'
  | 'kms_unreachable'
  | 'kms_refuses'
  | 'wrong_chain'
  | 'chain_behind'
  | 'nodes_disagree'
  | 'contract_missing'
  | 'contract_refuses'
  | 'log_not_registered'
  | 'not_publisher'
  | 'chain_ahead'
  | 'other_history'
  | 'fee_cap'
  | 'insufficient_funds'
  | 'nonce_gap'
  | 'rejected'
  | 'backing_off'

/** A reason: the code for machines, the message for people. */
export interface Reason {
  code: ReasonCode
  message: string
}

/** What a look at one anchor led to: writes that move it, a reason to wait, or nothing. */
export type Outcome =
  | { type: 'move'; state: AnchorState; writes: Write[] }
  | { type: 'wait'; reason: Reason }
  | { type: 'rest' }

/** Everything that one step works with. */
export interface Context {
  deps: AnchorDeps
  chain: ChainClient
  /** keccak256 of the origin. */
  logId: string
  now: Date
}

/** An anchor as it was read. */
export type AnchorRead = Stored<StoredAnchor>

/** A reason to wait. */
export function wait(code: ReasonCode, message: string): Extract<Outcome, { type: 'wait' }> {
  return { type: 'wait', reason: { code, message } }
}

/** The write that moves one anchor. Its reason goes unless the change gives one. */
export function change(anchor: AnchorRead, changes: Partial<StoredAnchor>): Write {
  const { version, ...document } = anchor
  return replace(anchors, { ...document, reason: undefined, ...changes }, version)
}

/** Moves one anchor to a state. */
export function move(anchor: AnchorRead, state: AnchorState, changes: Partial<StoredAnchor> = {}): Outcome {
  return { type: 'move', state, writes: [change(anchor, { state, open: isOpen(state), ...changes })] }
}

/** Back to the start: nonce and block are given up, what was signed stays on record and is still watched for. */
export function moveToIntent(anchor: AnchorRead, changes: Partial<StoredAnchor> = {}): Outcome {
  return move(anchor, 'intent', {
    nonce: undefined,
    from: undefined,
    genesis: undefined,
    broadcastAt: undefined,
    ...unmined,
    ...changes,
  })
}

/** What an anchor loses when it is not on chain any more. */
export const unmined = {
  tx: undefined,
  block: undefined,
  gasUsed: undefined,
  effectiveGasPrice: undefined,
  minedAt: undefined,
  finalAt: undefined,
  examinedAt: undefined,
} satisfies Partial<StoredAnchor>

/** Whether the machine still has to do with an anchor in this state. */
function isOpen(state: AnchorState): boolean {
  return state !== 'final' && state !== 'superseded' && state !== 'lost'
}
