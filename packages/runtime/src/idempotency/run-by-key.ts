import { errorTable, Fault } from '@tallystick/protocol'
import type { Store } from '@tallystick/storage'
import type { Plan } from '../api.ts'
import { toFault, toTrpcError } from '../problem.ts'
import { claimKey, isTakenOver } from './claim-key.ts'
import type { Claim, ClaimDeps } from './claim-key.ts'
import type { Outcome } from './keyed-call.ts'
import { unpackAnswer } from './records.ts'
import type { KeptAnswer } from './records.ts'

/** The parts of one request that its idempotency needs. */
export interface KeyedRequest {
  /** The id of the key's record; see recordId. */
  id: string
  digest: string
  /** The answer as it will go out when the procedure gives `data`. */
  answerOf(data: unknown): Promise<KeptAnswer>
  /** The status that the answer would have now. */
  status(): number
  refusalOf(fault: Fault): KeptAnswer
  /** Called when the first answer goes out again. */
  replay(answer: KeptAnswer): Outcome
  /** Tells the request under which key its change is made. */
  claimed(change: KeyedChange): void
}

/** Makes the planned change of a request with a key; see RequestContext.once. */
export type KeyedChange = <T>(plan: () => Promise<Plan<T>>) => Promise<T>

/** Runs a request under its key, or gives the first answer again. Throws Fault; see claimKey. */
export async function runByKey(
  deps: ClaimDeps,
  request: KeyedRequest,
  run: () => Promise<Outcome>,
): Promise<Outcome> {
  const found = await claimKey(deps, request)
  if ('record' in found) return request.replay(unpackAnswer(found.record))
  const { claim } = found
  let told: unknown
  let stored: KeptAnswer | undefined
  request.claimed(async (plan) => {
    const made = await changeOnce(deps.store, claim, request, plan)
    told = made.data
    stored = made.answer
    return made.data
  })
  const outcome = await run()
  if (outcome.ok) {
    // A procedure may have changed what its plan promised, or have made its change without a plan.
    const kept = claim.settled && outcome.data === told && stored?.status === request.status()
    if (!kept) await store(deps.store, claim, await request.answerOf(outcome.data))
    return outcome
  }
  // The change is made and its answer kept: whatever failed afterwards, a repetition gets that answer.
  if (claim.settled) return outcome
  const fault = toFault(outcome.error)
  if (isAnswer(fault)) await store(deps.store, claim, request.refusalOf(fault))
  else await claim.release()
  return { ok: false, error: toTrpcError(fault) }
}

async function changeOnce<T>(
  store: Store,
  claim: Claim,
  request: KeyedRequest,
  plan: () => Promise<Plan<T>>,
): Promise<{ data: T; answer: KeptAnswer }> {
  if (claim.settled) throw new Error('A request makes its change by ctx.once a single time')
  return store.attempt(async () => {
    const { writes, answer: data } = await plan()
    const answer = await request.answerOf(data)
    await settled(claim, () => store.commit([...writes, claim.done(answer)]))
    return { data, answer }
  })
}

async function store(store: Store, claim: Claim, answer: KeptAnswer): Promise<void> {
  await settled(claim, () => store.commit([claim.done(answer)]))
}

async function settled(claim: Claim, commit: () => Promise<void>): Promise<void> {
  try {
    await commit()
  } catch (error) {
    if (!isTakenOver(error)) throw error
    const detail = 'The request took longer than its lock; a repetition with this key has taken over'
    throw new Fault('idempotency_in_progress', { detail, cause: error })
  }
  claim.settle()
}

/** Whether a refusal is the answer to the request, and not of the moment or of the key that was used. */
function isAnswer({ code }: Fault): boolean {
  const { status } = errorTable[code]
  if (code === 'conflict' || code === 'idempotency_in_progress') return false
  return status < 500 && ![401, 403, 429].includes(status)
}
