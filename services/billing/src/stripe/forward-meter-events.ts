import { replace, StorageError } from '@tallystick/storage'
import type { Stored } from '@tallystick/storage'
import type { Stripe } from 'stripe'
import type { Deps } from '../deps.ts'
import { stripeMeterEvents } from './collections.ts'
import type { MeterEvent } from './collections.ts'
import { askToCancel, askToCount } from './meter-event-answers.ts'
import type { MeterAnswer } from './meter-event-answers.ts'
import { afterAsking, beforeAsking } from './meter-event-states.ts'
import { troubleWrites } from './meter-event-trouble.ts'

type ForwardDeps = Pick<Deps, 'store' | 'now' | 'newId' | 'log'>

// Stripe takes one call at a time for a customer and a meter.
const lanes = 8
// So many without an answer in one batch: Stripe is away, and the rest waits.
const mostTroubles = 3

/**
 * Tells Stripe's meters what is due. That Stripe is asked is written down before it is asked, so a process that dies
 * amid it leaves what the next one asks again under the same identifier. Gives whether more may be due.
 */
export async function forwardMeterEvents(deps: ForwardDeps, stripe: Stripe, batch = 200): Promise<boolean> {
  const { items } = await deps.store.find(stripeMeterEvents.due, {
    equals: [],
    range: { upTo: deps.now() },
    order: 'asc',
    limit: batch,
  })
  const queues = [...Map.groupBy(items, ({ meter, customer }) => `${meter} ${customer}`).values()]
  let troubles = 0
  const work = async () => {
    for (let queue = queues.shift(); queue; queue = queues.shift()) {
      for (const one of queue) {
        if (troubles >= mostTroubles) return
        if (!(await forward(deps, stripe, one))) troubles++
      }
    }
  }
  await Promise.all(Array.from({ length: lanes }, work))
  return items.length === batch && troubles === 0
}

/** Takes one a step further. Gives false when Stripe did not answer. */
async function forward(deps: ForwardDeps, stripe: Stripe, stored: Stored<MeterEvent>): Promise<boolean> {
  const { version: _, ...before } = stored
  const { replaces } = before
  const replaced = replaces === undefined ? undefined : await deps.store.get(stripeMeterEvents, replaces)
  const { event, asks } = beforeAsking(before, replaced, deps.now())
  if (!(await keep(deps, stored, event)) || asks === undefined) return true
  const answer = asks === 'count' ? await askToCount(stripe, event) : await askToCancel(stripe, event)
  if (answer.outcome === 'unknown' || answer.outcome === 'busy')
    deps.log.warn({ meterEvent: event.id, message: answer.message }, 'Stripe did not take a meter event yet')
  await book(deps, event.id, answer, { asks, isFirst: before.askedAt === undefined })
  return answer.outcome !== 'unknown' && answer.outcome !== 'busy'
}

/** What an answer answers: `isFirst` where Stripe had not been asked to count the event before. */
type Asked = Pick<Parameters<typeof afterAsking>[2], 'asks' | 'isFirst'>

/** Books an answer to the event as it stands by now: a correction may have come meanwhile. */
async function book(deps: ForwardDeps, id: string, answer: MeterAnswer, asked: Asked): Promise<void> {
  await deps.store.attempt(async () => {
    const stored = await deps.store.get(stripeMeterEvents, id)
    if (!stored) throw new Error(`The meter event ${id} is not there`)
    const { version, ...event } = stored
    const after = afterAsking(event, answer, { ...asked, now: deps.now() })
    await deps.store.commit([
      replace(stripeMeterEvents, after, version),
      ...troubleWrites(deps, event, after),
    ])
  })
}

/** Gives false when somebody else has written it meanwhile: then it is looked at anew. */
async function keep(
  deps: ForwardDeps,
  { version, ...before }: Stored<MeterEvent>,
  event: MeterEvent,
): Promise<boolean> {
  try {
    await deps.store.commit([
      replace(stripeMeterEvents, event, version),
      ...troubleWrites(deps, before, event),
    ])
    return true
  } catch (error) {
    if (error instanceof StorageError && error.code === 'StaleVersion') return false
    throw error
  }
}
