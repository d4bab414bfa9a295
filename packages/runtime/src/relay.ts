import { remove, replace } from '@tallystick/storage'
import type { Stored } from '@tallystick/storage'
import { leaderLoop } from './leader-loop.ts'
import type { LeaderLoopOptions, Step } from './leader-loop.ts'
import { fenced } from './lease.ts'
import type { Lease } from './lease.ts'
import { loop } from './loop.ts'
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
const measureEveryMs = 5000

/**
 * Carries the events of one stream out of the outbox: at least once, in the order of their writing, removed only after
 * the acknowledgement. A batch that is refused is tried in smaller ones; an event that is refused alone steps aside
 * and comes back later (1 s, 2 s, 4 s … 10 min), so one bad event holds up no other. Several in a row, one of them tried
 * for the first time, mean that the destination is down: then the relay backs off as a whole and asks with one event at
 * a time, due or not, until one is taken. From then on all that was put aside is due again, in the order of its writing.
 */
export function relay(options: RelayOptions): Loop {
  const { stream = 'events', everyMs = 250, deliver } = options
  const most = options.batchSize ?? 200
  // Kept over tenures: after a failure the batches grow again from small ones.
  let batchSize = most
  let refusedInRow = 0
  let refusedNew = false
  // Unknown until the first tenure: another process may have put aside what it could not deliver.
  let down: boolean | undefined

  const step =
    (lease: Lease): Step =>
    async () => {
      const { store, now, log, metrics } = options
      // Neither what is refused for good nor what is not due yet may hide that the destination answers again.
      const due = await store.find(outbox.byDue, {
        equals: [stream],
        ...(down !== true && { range: { upTo: now() } }),
        order: 'asc',
        limit: down === true ? 1 : batchSize,
      })
      const oldest = due.items[0]
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
        refusedNew ||= oldest.attempts === 0
        down ||= ++refusedInRow >= outageAfter && refusedNew
        if (down) throw new Error(`${stream}: nothing can be delivered`, { cause: error })
        return true
      }
      await store.commit([
        fenced(lease),
        ...due.items.map((event) => remove(outbox, event.id, event.version)),
      ])
      metrics?.outboxDelivered.inc({ stream }, due.items.length)
      if (due.items.some((event) => event.stuck)) await countStuck()
      refusedInRow = 0
      refusedNew = false
      const wasDown = down
      if (down) await bringBack(lease)
      down = false
      const full = due.items.length === batchSize || wasDown === true
      batchSize = Math.min(most, batchSize * 2)
      return full
    }

  /** The oldest of what was put aside, by when it was written. */
  async function parked(limit: number, after?: string) {
    return options.store.find(outbox.parked, { equals: [stream], order: 'asc', limit, after })
  }

  /** Makes all that was put aside due in its old place, so that what an outage has parked does not wait any longer. */
  async function bringBack(lease: Lease): Promise<void> {
    let after: string | undefined
    do {
      const page = await parked(most, after)
      const back = page.items.map(({ version, ...event }) =>
        replace(outbox, { ...event, dueAt: event.at }, version),
      )
      if (back.length > 0) await options.store.commit([fenced(lease), ...back])
      after = page.next
    } while (after !== undefined)
  }

  /** The age of the oldest event that waits, parked or not: what is first due is older than all that was never tried. */
  async function measure(): Promise<void> {
    const { store, now, metrics } = options
    const first = await store.find(outbox.byDue, { equals: [stream], order: 'asc', limit: 1 })
    const times = [...first.items, ...(await parked(1)).items].map(({ at }) => at.getTime())
    const seconds = times.length === 0 ? 0 : (now().getTime() - Math.min(...times)) / 1000
    metrics?.outboxOldestSeconds.set({ stream }, Math.max(0, seconds))
  }

  async function setAside(event: Stored<OutboxEvent>, lease: Lease, error: unknown): Promise<void> {
    const { store, now, log } = options
    const { version, ...rest } = event
    const attempts = event.attempts + 1
    const dueAt = new Date(now().getTime() + Math.min(1000 * 2 ** (attempts - 1), longestDelayMs))
    const stuck = attempts >= stuckAfter ? { stuck: true } : {}
    const aside: OutboxEvent = { ...rest, attempts, dueAt, parked: true, ...stuck }
    await store.commit([fenced(lease), replace(outbox, aside, version)])
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

  const carrying = leaderLoop({
    ...options,
    name: `relay.${stream}`,
    everyMs,
    async begin(lease) {
      down ??= (await parked(1)).items.length > 0
      return step(lease)
    },
  })
  if (!options.metrics) return carrying
  // By each process, so that no figure of a former leader stays behind.
  const { log, metrics, signal } = options
  const measuring = loop({
    name: `relay.${stream}.age`,
    everyMs: measureEveryMs,
    run: measure,
    log,
    metrics,
    signal,
  })
  const stopped = Promise.all([carrying.stopped, measuring.stopped]).then(() => undefined)
  return {
    wake: carrying.wake,
    stopped,
    async stop() {
      await Promise.all([carrying.stop(), measuring.stop()])
    },
  }
}

function withoutVersion(stored: Stored<OutboxEvent>): OutboxEvent {
  const { version: _, ...event } = stored
  return event
}
