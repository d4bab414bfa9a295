import type { Logger } from 'pino'
import type { Metrics } from './metrics.ts'

/** A background loop that runs. */
export interface Loop {
  /** Runs again at once, for when work has just come in. Ignored while the loop backs off from errors. */
  wake(): void
  /** Ends the loop after its current run; resolves when that is over. */
  stop(): Promise<void>
  /** Resolves when the loop has ended. Never rejects. */
  readonly stopped: Promise<void>
}

/** What a loop is made from. */
export interface LoopOptions {
  /** Names the loop in logs and metrics. */
  name: string
  /** Pause between runs, give or take a tenth, so that copies do not run in step. */
  everyMs: number
  /** One run. `true` says that more work waits: the next run comes without a pause. */
  run: (signal: AbortSignal) => Promise<boolean | void>
  log: Logger
  metrics?: Metrics | undefined
  /** Ends the loop when aborted, like `stop`. */
  signal?: AbortSignal | undefined
  /** Longest pause after errors; the pause doubles with each error in a row. */
  maxBackoffMs?: number
}

/** Starts a loop: run, pause, run again. An error is logged and counted, never thrown, and lengthens the pause. */
export function loop(options: LoopOptions): Loop {
  const { name, everyMs, log, metrics, maxBackoffMs = 30_000 } = options
  const controller = new AbortController()
  const signal = options.signal ? AbortSignal.any([options.signal, controller.signal]) : controller.signal
  const pause = interruptiblePause(signal)
  let failures = 0

  async function runOnce(): Promise<boolean> {
    const started = performance.now()
    try {
      const more = await options.run(signal)
      failures = 0
      metrics?.loopRuns.inc({ loop: name, outcome: 'ok' })
      metrics?.loopLastSuccess.set({ loop: name }, Date.now() / 1000)
      return more === true
    } catch (error) {
      failures++
      metrics?.loopRuns.inc({ loop: name, outcome: 'error' })
      log.error({ loop: name, failures, err: error }, 'loop run failed')
      return false
    } finally {
      metrics?.loopSeconds.observe({ loop: name }, (performance.now() - started) / 1000)
    }
  }

  async function runAll(): Promise<void> {
    // The first run may already wake the loop, so the caller must have it in hand.
    await Promise.resolve()
    while (!signal.aborted) {
      const more = await runOnce()
      if (failures > 0) await pause.wait(backoffMs(failures, everyMs, maxBackoffMs), { wakeable: false })
      else if (more) await pause.wait(0, { wakeable: true })
      else await pause.wait(everyMs * (0.9 + Math.random() * 0.2), { wakeable: true })
    }
  }

  const stopped = runAll()
  return {
    wake: pause.wake,
    stopped,
    stop() {
      controller.abort(new Error(`loop ${name} was stopped`))
      return stopped
    },
  }
}

/** Milliseconds to wait after `failures` errors in a row: doubling, random in its upper half, at most `maxMs`. */
function backoffMs(failures: number, everyMs: number, maxMs: number): number {
  const longest = Math.min(maxMs, Math.max(everyMs, 100) * 2 ** Math.min(failures, 20))
  return longest * (0.5 + Math.random() / 2)
}

/** A pause that an abort ends, and a wake too; a wake before the pause makes the next one empty. */
export function interruptiblePause(signal: AbortSignal) {
  let woken = false
  let wakeable = true
  let end: (() => void) | undefined
  signal.addEventListener('abort', () => end?.(), { once: true })
  return {
    wake(this: void): void {
      woken = true
      if (wakeable) end?.()
    },
    async wait(ms: number, how: { wakeable: boolean }): Promise<void> {
      if (signal.aborted) return
      if (how.wakeable && woken) ms = 0
      wakeable = how.wakeable
      const { promise, resolve } = Promise.withResolvers<void>()
      const timer = setTimeout(resolve, ms)
      end = resolve
      await promise
      clearTimeout(timer)
      end = undefined
      if (how.wakeable) woken = false
    },
  }
}
