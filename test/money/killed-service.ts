import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const script = fileURLToPath(new URL('billing-child.ts', import.meta.url))

/** A billing service in a process of its own. */
export interface KilledService {
  /** POST with an idempotency key; undefined when the service died before it answered. */
  post(path: string, key: string, body: object): Promise<Answer | undefined>
  get(path: string): Promise<Answer>
  end(signal: NodeJS.Signals): Promise<number | null>
}

/** An answer of any status. */
export interface Answer {
  status: number
  body: Record<string, unknown>
}

/** A process that has loaded the service and waits to start it: loading takes longer than all the rest. */
export interface WaitingService {
  /** Starts it, with a clock that is `aheadMs` ahead. */
  start(aheadMs: number): Promise<KilledService>
  drop(): void
}

/** Loads the service, for the data of a folder. */
export function loadService(folder: string): WaitingService {
  const env = { ...process.env, NODE_COMPILE_CACHE: join(folder, 'compiled') }
  const child = spawn(process.execPath, [script, folder], { stdio: ['pipe', 'pipe', 'inherit'], env })
  return {
    async start(aheadMs) {
      child.stdin.write(`${aheadMs}\n`)
      return clientOf(child, await addressOf(child))
    },
    drop: () => void child.kill('SIGKILL'),
  }
}

function clientOf(child: ChildProcess, url: string): KilledService {
  const send = async (method: string, path: string, key?: string, body?: object): Promise<Answer> => {
    const response = await fetch(url + path, {
      method,
      headers: {
        authorization: 'Bearer any',
        ...(body && { 'content-type': 'application/json' }),
        ...(key !== undefined && { 'idempotency-key': key }),
      },
      ...(body && { body: JSON.stringify(body) }),
    })
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  }
  return {
    async post(path, key, body) {
      try {
        return await send('POST', path, key, body)
      } catch (error) {
        // How fetch tells of a broken connection: the service was killed.
        if (error instanceof TypeError) return undefined
        throw error
      }
    },
    get: (path) => send('GET', path),
    async end(signal) {
      if (child.exitCode === null && child.signalCode === null) {
        const exited = once(child, 'exit')
        child.kill(signal)
        await exited
      }
      return child.exitCode
    },
  }
}

async function addressOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    if (!child.stdout) throw new Error('the child has no output')
    createInterface(child.stdout).once('line', resolve)
    child.once('exit', (code) => reject(new Error(`the service ended with ${code} before it listened`)))
  })
}

/** Asks until the service has answered; another process that works on the same key is waited for. */
export async function insist(
  service: KilledService,
  { path, key, body }: { path: string; key: string; body: object },
): Promise<Answer> {
  for (let tries = 0; ; tries++) {
    const answer = await service.post(path, key, body)
    if (!answer) throw new Error(`${path}: the service is gone`)
    if (answer.body['code'] !== 'idempotency_in_progress' || tries > 100) return answer
    await pause(100)
  }
}
