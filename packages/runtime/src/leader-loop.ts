import { holdLease } from './lease.ts'
import type { HeldLease, LeaseOptions, WatchedTerm } from './lease.ts'
import { interruptiblePause, loop } from './loop.ts'
import type { Loop, LoopOptions } from './loop.ts'

/** One step of a leader's work; `true` says that more work waits. */
export type Step = () => Promise<boolean | void>

/** What a leader loop is made from; `name` names the lease, the loop and its metrics. */
export type LeaderLoopOptions = Omit<LoopOptions, 'run'> &
  LeaseOptions & {
    /**
     * Begins a tenure: reads the state anew, since another owner may have written, and gives the step that is run
     * every `everyMs`. What a step commits must hold `fenced(lease)`.
     */
    begin: (lease: HeldLease) => Promise<Step> | Step
  }

/**
 * A loop that only one process runs at a time. A step that throws ends the tenure: the lease is released, and whoever
 * gets it next begins from what is stored, so no doubtful state in memory outlives an error.
 */
export function leaderLoop(options: LeaderLoopOptions): Loop {
  const { name, everyMs, begin, log, metrics, ttlMs = 15_000 } = options
  const watched: WatchedTerm = {}
  let wakeStep: (() => void) | undefined

  async function tenure(lease: HeldLease): Promise<void> {
    const step = await begin(lease)
    const pause = interruptiblePause(lease.signal)
    wakeStep = pause.wake
    try {
      while (!lease.signal.aborted) {
        const started = performance.now()
        const more = await step()
        metrics?.loopSeconds.observe({ loop: name }, (performance.now() - started) / 1000)
        metrics?.loopLastSuccess.set({ loop: name }, Date.now() / 1000)
        await pause.wait(more === true ? 0 : everyMs * (0.9 + Math.random() * 0.2), { wakeable: true })
      }
    } finally {
      wakeStep = undefined
    }
  }

  const outer = loop({
    ...options,
    name: `${name}.tenure`,
    everyMs: Math.min(ttlMs / 3, 1000),
    log,
    run: async (signal) => void (await holdLease({ ...options, watched, signal }, tenure)),
  })
  return { wake: () => wakeStep?.(), stop: () => outer.stop(), stopped: outer.stopped }
}
