import type { Logger } from 'pino'

/** The order in which a process stops. */
export interface Lifecycle {
  /** Aborted when the stop begins: loops watch it. */
  readonly signal: AbortSignal
  /** Registers what to stop. The last registered stops first, so register in the order of starting. */
  onStop(name: string, stop: () => unknown): void
  /** Stops everything, once; resolves to whether all parts stopped well and in time. Never throws. */
  stop(reason: string): Promise<boolean>
  /** Stops on SIGTERM and SIGINT and then exits; a second signal exits at once. */
  handleSignals(): void
}

/**
 * A stop that loses nothing: the server stops accepting and drains, loops end their run, stores close, each after the
 * other. What takes longer than `timeoutMs` in all is given up.
 */
export function createLifecycle({ log, timeoutMs }: { log: Logger; timeoutMs: number }): Lifecycle {
  const controller = new AbortController()
  const parts: { name: string; stop: () => unknown }[] = []
  let stopping: Promise<boolean> | undefined

  async function stopAll(): Promise<boolean> {
    let clean = true
    for (const { name, stop } of parts.toReversed()) {
      try {
        await stop()
        log.debug({ part: name }, 'stopped')
      } catch (error) {
        clean = false
        log.error({ part: name, err: error }, 'could not stop well')
      }
    }
    return clean
  }

  async function stopInTime(reason: string): Promise<boolean> {
    log.info({ reason }, 'stopping')
    controller.abort(new Error(`stopping: ${reason}`))
    const { promise: late, resolve } = Promise.withResolvers<boolean>()
    const timer = setTimeout(() => {
      log.error({ timeoutMs }, 'stopping took too long')
      resolve(false)
    }, timeoutMs)
    const clean = await Promise.race([stopAll(), late])
    clearTimeout(timer)
    log.info({ clean }, 'stopped')
    return clean
  }

  async function stopAndExit(reason: string): Promise<void> {
    const clean = await lifecycle.stop(reason)
    process.exit(clean ? 0 : 1)
  }

  const lifecycle: Lifecycle = {
    signal: controller.signal,
    onStop: (name, stop) => void parts.push({ name, stop }),
    stop: (reason) => (stopping ??= stopInTime(reason)),
    handleSignals() {
      const onSignal = (name: NodeJS.Signals) => {
        if (stopping) process.exit(1)
        void stopAndExit(name)
      }
      process.on('SIGTERM', onSignal)
      process.on('SIGINT', onSignal)
    },
  }
  return lifecycle
}
