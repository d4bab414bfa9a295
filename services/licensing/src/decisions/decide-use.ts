import { Fault } from '@tallystick/protocol'
import type { AuditRecord, Decision, DecisionInput, ItemDecision } from '@tallystick/protocol'
import type { Caller, Plan } from '@tallystick/runtime'
import { announce } from '../announce.ts'
import type { Deps } from '../deps.ts'
import { decideItems, namesOfActor } from './decide-items.ts'
import { traceDigest } from './trace-digest.ts'

const aheadMs = 5 * 60_000
const licensesOfRecord = 100

/** The decision about each item of a request, and the event that promises its receipt. Throws Fault. */
export async function decideUse(
  deps: Pick<Deps, 'store' | 'identity' | 'now' | 'newId' | 'livemode'>,
  caller: Caller,
  input: DecisionInput,
): Promise<Plan<Decision>> {
  const actor = input.actor ?? caller.account
  await requireMayAsk(deps, caller, actor)
  const at = momentOf(input, deps.now())
  const actorNames = await namesOfActor(deps, caller.tenant, actor)
  const data = await decideItems(deps, caller.tenant, {
    ...input,
    actorNames,
    at,
    now: input.at === undefined,
  })
  const subject = {
    actor,
    purpose: input.purpose,
    ...(input.region !== undefined && { region: input.region }),
    ...(input.model_id !== undefined && { model_id: input.model_id }),
    at: at.toISOString(),
  }
  const { write, auditId } = announce(deps, caller, {
    kind: 'use.decided',
    items: input.items,
    ...permitting(data, { ...subject, ...outcomes(data), trace: traceDigest(data) }),
  })
  const answer: Decision = {
    object: 'decision',
    livemode: deps.livemode,
    decision: overall(data),
    ...subject,
    data,
    audit_id: auditId,
  }
  return { writes: [write], answer }
}

async function requireMayAsk(deps: Pick<Deps, 'identity'>, caller: Caller, actor: string): Promise<void> {
  if (caller.role === 'operator' || actor === caller.account) return
  // Whether there is such an actor is not for others to know.
  if (caller.role !== 'developer') throw new Fault('not_found')
  const names = await namesOfActor(deps, caller.tenant, caller.account)
  if (!names.includes(actor)) throw new Fault('not_found')
}

function momentOf({ at: told }: DecisionInput, now: Date): Date {
  const at = told === undefined ? now : new Date(told)
  if (at.getTime() <= now.getTime() + aheadMs) return at
  const message = 'must be at most 5 minutes ahead'
  throw new Fault('validation_failed', {
    errors: [{ pointer: '/at', message, fix: 'Ask when the time has come.' }],
  })
}

/** The agreements that permit, as a record names them: beyond 100 all of them stand in its data. */
function permitting(items: readonly ItemDecision[], data: NonNullable<AuditRecord['data']>) {
  const named = new Set<string>()
  for (const { license } of items) if (license !== undefined) named.add(license)
  const licenses = [...named].sort()
  if (licenses.length <= licensesOfRecord) return { licenses, data }
  return { licenses: licenses.slice(0, licensesOfRecord), data: { ...data, licenses } }
}

/** What became of each item, short enough for a record of 1,000: a table of codes, and a place in it for each item. */
function outcomes(data: readonly ItemDecision[]): { reasons: string[]; outcomes: number[] } {
  const reasons = [...new Set(data.map(({ reason }) => reason))].sort()
  return { reasons, outcomes: data.map(({ reason }) => reasons.indexOf(reason)) }
}

function overall(data: readonly ItemDecision[]): Decision['decision'] {
  const permits = data.filter(({ decision }) => decision === 'permit').length
  if (permits === data.length) return 'permit'
  return permits === 0 ? 'deny' : 'partial'
}
