import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { Listening } from './audit-child.ts'
import type { DecisionsListening } from './decisions-child.ts'
import type { UsageListening } from './usage-child.ts'

/** A process that the benchmark started and ends. */
export interface Child<T> extends AsyncDisposable {
  told: T
  /** From the fork until it told that it listens. */
  readyMs: number
  /** Resident memory in bytes. */
  rss(): Promise<number>
  /** Processor time so far in microseconds, of the main thread or of all as the process tells it: what load on the machine does not stretch. */
  cpuMicros(): Promise<number>
  kill(): Promise<void>
}

/** The audit service on the SQLite files of `directory`. */
export function startAuditChild(directory: string, origin: string): Promise<Child<Listening>> {
  return startChild<Listening>('audit-child.ts', [directory, origin])
}

/** The licensing service on the SQLite files of `directory`. */
export function startDecisionsChild(directory: string, tenant: string): Promise<Child<DecisionsListening>> {
  return startChild<DecisionsListening>('decisions-child.ts', [directory, tenant])
}

/** The billing service on the SQLite files of `directory`. */
export function startUsageChild(directory: string, tenant: string): Promise<Child<UsageListening>> {
  return startChild<UsageListening>('usage-child.ts', [directory, tenant])
}

/** A bare Fastify server. */
export function startBareChild(): Promise<Child<{ url: string }>> {
  return startChild<{ url: string }>('bare-child.ts', [])
}

async function startChild<T>(file: string, args: string[]): Promise<Child<T>> {
  const started = performance.now()
  const child = fork(new URL(file, import.meta.url), args)
  const told = await answerOf<T>(child)
  return {
    told,
    readyMs: performance.now() - started,
    async rss() {
      child.send('memory')
      return (await answerOf<{ rss: number }>(child)).rss
    },
    async cpuMicros() {
      child.send('cpu')
      return (await answerOf<{ cpuMicros: number }>(child)).cpuMicros
    },
    kill: () => end(child, 'SIGKILL'),
    [Symbol.asyncDispose]: () => end(child, 'SIGTERM'),
  }
}

async function answerOf<T>(child: ChildProcess): Promise<T> {
  const { promise: exited, reject } = Promise.withResolvers<never>()
  const onExit = (code: number | null) => reject(new Error(`a process of the benchmark ended with ${code}`))
  child.once('exit', onExit)
  try {
    const [message] = (await Promise.race([once(child, 'message'), exited])) as [T]
    return message
  } finally {
    child.off('exit', onExit)
  }
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill(signal)
  await exited
}
