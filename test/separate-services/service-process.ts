import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'

export const repository = fileURLToPath(new URL('../..', import.meta.url))

/** The environment of a process, without the test's own. */
export type Environment = Readonly<Record<string, string>>

const line = z.looseObject({ msg: z.string(), err: z.looseObject({ message: z.string() }).optional() })
/** A line of a service's log. */
export type LogLine = z.infer<typeof line>

/** A service in a process of its own. */
export interface ServiceProcess {
  /** Its port; rejects with what it wrote when it ended before it listened. */
  listening: Promise<number>
  log: readonly LogLine[]
  signal(name: NodeJS.Signals): void
  /** Ends it and gives its exit code; null after SIGKILL. */
  end(name: NodeJS.Signals): Promise<number | null>
}

/** Starts `command` of docker-compose.yml in the repository's folder. */
export function startService(command: readonly string[], env: Environment): ServiceProcess {
  const [program = '', ...args] = command
  const child = spawn(program === 'node' ? process.execPath : program, args, {
    cwd: repository,
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const log: LogLine[] = []
  let errors = ''
  child.stderr.on('data', (chunk: Buffer) => void (errors += chunk.toString()))
  const { promise: listening, resolve, reject } = Promise.withResolvers<number>()
  // Whoever waits is told; a process that nobody waits for may end as it likes.
  listening.catch(() => undefined)
  createInterface(child.stdout).on('line', (text) => {
    const written = line.parse(JSON.parse(text))
    log.push(written)
    const port = /^Server listening at http:\/\/.*:(\d+)$/.exec(written.msg)?.[1]
    if (port !== undefined) resolve(Number(port))
  })
  const closed = once(child, 'close')
  void closed.then(() => reject(new Error(`${command.join(' ')} ended: ${errors}`)))
  return {
    listening,
    log,
    signal: (name) => void child.kill(name),
    async end(name) {
      if (child.exitCode === null && child.signalCode === null) child.kill(name)
      await closed
      return child.exitCode
    },
  }
}
