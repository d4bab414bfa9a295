import { remove, replace } from '@tallystick/storage'
import type { Stored } from '@tallystick/storage'
import { leaderLoop } from './leader-loop.ts'
import type { LeaderLoopOptions, Step } from './leader-loop.ts'
import { fenced } from './lease.ts'
import type { Lease } from './lease.ts'
import type { Loop } from './loop.ts'
import { outbox } from './outbox.ts'
import type { OutboxEvent } from './outbox.ts'

/** What a relay is made from. */
export type RelayOptions = Omit<LeaderLoopOptions, 'begin' | 'name' | 'everyMs'> & {
  stream?: string
  everyMs?: number
  batchSize?: number
  /**
   * Hands events to their destination; resolving acknowledges all of them. After a crash or a rejection the same
   * events come again, so the destination must drop ids that it has seen.
   */
  deliver: (events: readonly OutboxEvent[]) => Promise<void>
}

const stuckAfter = 5
const outageAfter = 3
const longestDelayMs = 10 * 60_000

/**
 * Carries the events of one stream out of the outbox: at least once, in the order of their writing, removed only after
 * the acknowledgement. A batch that is refused is tried in smaller ones; an event that is refused alone steps aside
 * and comes back later (1 s, 2 s, 4 s … 10 min), so one bad event holds up no other. Several in a row mean that the
 * destination is down: then the relay backs off as a whole.
 */
export function relay(options: RelayOptions): Loop {
  const { stream = 'events', everyMs = 250, deliver } = options
  const most = options.batchSize ?? 200
  // Kept over tenures: after a failure the batches grow again from small ones.
  let batchSize = most
  let refusedInRow = 0

  const step =
    (lease: Lease): Step =>
    async () => {
      const { store, now, log, metrics } = options
      const due = await store.find(outbox.byDue, {
        equals: [stream],
        range: { upTo: now() },
        order: 'asc',
        limit: batchSize,
      })
      const oldest = due.items[0]
      metrics?.outboxOldestSeconds.set(
        { stream },
        oldest ? (now().getTime() - oldest.at.getTime()) / 1000 : 0,
      )
      if (!oldest) return false
      try {
        await deliver(due.items.map(withoutVersion))
      } catch (error) {
        metrics?.outboxFailures.inc({ stream })
        if (due.items.length > 1) {
          batchSize = Math.ceil(due.items.length / 2)
          log.warn({ stream, events: due.items.length, err: error }, 'delivery failed; trying fewer events')
          return true
        }
        await setAside(oldest, lease, error)
        if (++refusedInRow >= outageAfter)
          throw new Error(`${stream}: nothing can be delivered`, { cause: error })
        return true
      }
      await store.commit([
        fenced(lease),
        ...due.items.map((event) => remove(outbox, event.id, event.version)),
      ])
      metrics?.outboxDelivered.inc({ stream }, due.items.length)
      if (due.items.some((event) => event.stuck)) await countStuck()
      refusedInRow = 0
      const full = due.items.length === batchSize
      batchSize = Math.min(most, batchSize * 2)
      return full
    }

  async function setAside(event: Stored<OutboxEvent>, lease: Lease, error: unknown): Promise<void> {
    const { store, now, log } = options
    const { version, ...rest } = event
    const attempts = event.attempts + 1
    const dueAt = new Date(now().getTime() + Math.min(1000 * 2 ** (attempts - 1), longestDelayMs))
    const stuck = attempts >= stuckAfter ? { stuck: true } : {}
    await store.commit([fenced(lease), replace(outbox, { ...rest, attempts, dueAt, ...stuck }, version)])
    log[attempts >= stuckAfter ? 'error' : 'warn'](
      { stream, event: event.id, type: event.type, attempts, dueAt, err: error },
      'event was refused and will be tried again',
    )
    if (attempts >= stuckAfter) await countStuck()
  }

  async function countStuck(): Promise<void> {
    const { store, metrics } = options
    metrics?.outboxStuck.set(
      { stream },
      await store.count(outbox.stuck, { equals: [stream] }, { atMost: 1000 }),
    )
  }

  return leaderLoop({ ...options, name: `relay.${stream}`, everyMs, begin: (lease) => step(lease) })
}

function withoutVersion(stored: Stored<OutboxEvent>): OutboxEvent {
  const { version: _, ...event } = stored
  return event
}
