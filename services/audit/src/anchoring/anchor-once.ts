import type { Write } from '@tallystick/storage'
import type { ChainClient } from '../chain.ts'
import { logIdOf } from '../chain.ts'
import { ChainError } from './chain-error.ts'
import { anchors } from './collections.ts'
import type { AnchorState } from './collections.ts'
import { change, wait } from './machine.ts'
import type { AnchorDeps, AnchorRead, Context, Outcome, Reason } from './machine.ts'
import { plan } from './plan.ts'
import { settle } from './settle.ts'
import { reserve, send, signFirst } from './submit.ts'
import { watch } from './watch.ts'

/**
 * What a step did. `advanced`: something was committed, so call again at once. `waiting`: the chain or somebody has to
 * act first, for `reason`. `idle`: all is anchored that should be.
 */
export interface AnchorStep {
  outcome: 'advanced' | 'waiting' | 'idle'
  reason?: Reason
  size?: number
  state?: AnchorState
}

const steps: Partial<Record<AnchorState, (context: Context, anchor: AnchorRead) => Promise<Outcome>>> = {
  intent: reserve,
  conflict: reserve, // looks again: a reset or replaced chain ends the alarm
  reserved: signFirst,
  signed: send,
  sent: watch,
  mined: settle,
}

/**
 * One step of anchoring a log on a chain: at most one transition of one anchor, in one commit, under the caller's lease.
 * All state is in the store, so any copy may go on after any step. Throws StorageError; a chain that fails is `waiting`.
 */
export async function anchorOnce(deps: AnchorDeps, chain: ChainClient): Promise<AnchorStep> {
  const context = { deps, chain, logId: logIdOf(deps.origin), now: deps.now() }
  const open = await deps.store.find(anchors.byOpen, {
    equals: [chain.id, chain.contract, deps.origin],
    limit: 1000,
  })
  let waiting: AnchorStep | undefined
  let busy = false
  for (const anchor of open.items) {
    if (busy && isUnsent(anchor)) continue // its proof starts at an anchor that is not on chain yet
    const outcome = await guarded(() => steps[anchor.state]?.(context, anchor) ?? { type: 'rest' })
    if (outcome.type === 'move') return commitMove(context, outcome, anchor.size)
    busy ||= anchor.state !== 'mined'
    if (outcome.type !== 'wait') continue
    await note(context, anchor, outcome.reason)
    waiting ??= { outcome: 'waiting', reason: outcome.reason, size: anchor.size, state: anchor.state }
    if (isOutage(outcome.reason)) break
  }
  if (busy) return waiting ?? { outcome: 'idle' }
  const planned = await guarded(() => plan(context))
  if (planned.type === 'move') return commitMove(context, planned)
  if (planned.type === 'wait') waiting ??= { outcome: 'waiting', reason: planned.reason }
  return waiting ?? { outcome: 'idle' }
}

function isUnsent({ state }: AnchorRead): boolean {
  return state === 'intent' || state === 'reserved' || state === 'conflict'
}

function isOutage({ code }: Reason): boolean {
  return code === 'rpc_unreachable' || code === 'wrong_chain'
}

/** A chain's failure is a reason to wait, never an exception that would stop the service's other work. */
async function guarded(look: () => Promise<Outcome> | Outcome): Promise<Outcome> {
  try {
    return await look()
  } catch (error) {
    if (!(error instanceof ChainError)) throw error
    return wait(reasonCodes[error.code], error.message)
  }
}

const reasonCodes = {
  unreachable: 'rpc_unreachable',
  wrong_chain: 'wrong_chain',
  rejected: 'rejected',
  reverted: 'contract_refuses',
  kms_unreachable: 'kms_unreachable',
  kms_refuses: 'kms_refuses',
} as const

async function commitMove(
  { deps, chain }: Context,
  { state, writes }: Extract<Outcome, { type: 'move' }>,
  size?: number,
): Promise<AnchorStep> {
  await deps.store.commit(fenced(deps, writes))
  const fields = { chain: chain.id, size, state }
  if (state === 'conflict' || state === 'lost') deps.log.error(fields, `anchor ${state}`)
  else deps.log.info(fields, `anchor ${state}`)
  return { outcome: 'advanced', state, ...(size === undefined ? {} : { size }) }
}

/** Keeps a reason with its anchor, where operators see it, once when it comes and once when it goes. */
async function note({ deps, chain, now }: Context, anchor: AnchorRead, reason: Reason): Promise<void> {
  const isNormal = reason.code === 'pending' || reason.code === 'not_final'
  if (anchor.reason?.code === (isNormal ? undefined : reason.code)) return
  const written = isNormal ? {} : { reason: { ...reason, since: now } }
  await deps.store.commit(fenced(deps, [change(anchor, written)]))
  if (!isNormal) deps.log.warn({ chain: chain.id, size: anchor.size, reason }, 'anchor waits')
}

function fenced({ fence }: AnchorDeps, writes: Write[]): Write[] {
  return fence === undefined ? writes : [...writes, fence]
}
