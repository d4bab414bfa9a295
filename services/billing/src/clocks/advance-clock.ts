import { replace } from '@tallystick/storage'
import type { Deps } from '../deps.ts'
import type { TestClock } from './clock-work.ts'
import { clockWorks } from './clock-works.ts'
import { testClocks } from './collections.ts'

// What cannot be done now is reported as done each time; it must not keep the clock for ever.
const mostPasses = 20

/**
 * Moves a clock that is on its way to its target, from one moment at which something is due to the next, and has it
 * done there. The clock is moved before the deed, so whoever finds it half way goes on where it stands.
 */
export async function advanceClock(deps: Deps, id: string): Promise<TestClock> {
  for (;;) {
    const clock = await deps.store.get(testClocks, id)
    if (!clock) throw new Error(`The test clock ${id} is not there`)
    if (clock.status === 'ready' || !clock.target) return clock
    await doWhatIsDue(deps, clock)
    await moveOn(deps, clock)
  }
}

/** Moves on clocks that stand still on their way since before `before`, as after a crash. Gives how many. */
export async function resumeClocks(deps: Deps, before: Date): Promise<number> {
  const { items } = await deps.store.find(testClocks.advancing, {
    equals: ['advancing'],
    range: { before },
    limit: 20,
  })
  for (const { id } of items) await advanceClock(deps, id)
  return items.length
}

/** Deeds bring about others at the same moment: an invoice is collected, a grant is drawn. */
async function doWhatIsDue(deps: Deps, clock: TestClock): Promise<void> {
  for (let pass = 0; pass < mostPasses; pass++) {
    let done = 0
    for (const work of clockWorks) done += await work.run(deps, clock, clock.now)
    if (done === 0) return
  }
  deps.log.warn(
    { clock: clock.id, at: clock.now },
    'something is still due at a moment that a test clock leaves',
  )
}

async function moveOn(deps: Deps, seen: TestClock): Promise<void> {
  const moments = await Promise.all(clockWorks.map((work) => work.nextDue(deps, seen)))
  await deps.store.attempt(async () => {
    const found = await deps.store.get(testClocks, seen.id)
    // Somebody else moves it too: go on from where it stands now.
    if (!found?.target || found.now > seen.now) return
    const { version, target, ...clock } = found
    const next = moments
      .filter((moment) => moment !== undefined)
      .toSorted((a, b) => a.getTime() - b.getTime())[0]
    const movedAt = deps.now()
    const moved: TestClock =
      next && next <= target
        ? { ...clock, target, now: next, movedAt }
        : { ...clock, now: target, status: 'ready', movedAt }
    await deps.store.commit([replace(testClocks, moved, version)])
  })
}
