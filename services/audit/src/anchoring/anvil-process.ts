import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { setTimeout as pause } from 'node:timers/promises'

/** A real local chain, for tests: nothing is mined unless it is told to. */
export interface Anvil {
  url: string
  /** Calls JSON-RPC; throws with the node's message. */
  request(method: string, params?: readonly unknown[]): Promise<unknown>
  signal(name: 'SIGSTOP' | 'SIGCONT'): void
  /** Ends the process; with `--state` it writes the state first. */
  stop(): Promise<void>
}

const binary = fileURLToPath(new URL('../../../../node_modules/.bin/anvil', import.meta.url))
const startMs = 30_000

/** Starts anvil on a free port, or on the one given, and waits until it answers. */
export async function startAnvil(options: { port?: number; args?: readonly string[] } = {}): Promise<Anvil> {
  const port = options.port ?? (await freePort())
  const args = [
    '--port',
    String(port),
    '--silent',
    '--no-mining',
    '--slots-in-an-epoch',
    '1',
    ...(options.args ?? []),
  ]
  // The npm command is a wrapper around the binary: only signals to their group reach both.
  const child = spawn(binary, args, { stdio: 'ignore', detached: true })
  const signal = (name: NodeJS.Signals) => void (child.pid === undefined || process.kill(-child.pid, name))
  const ended = once(child, 'exit')
  const url = `http://127.0.0.1:${port}`
  const request = (method: string, params: readonly unknown[] = []) => exchange(url, method, params)
  for (let waited = 0; ; waited += 50) {
    if (await request('eth_chainId').then(Boolean, () => false)) break
    if (waited > startMs || child.exitCode !== null) throw new Error('anvil did not start')
    await pause(50)
  }
  return {
    url,
    request,
    signal,
    async stop() {
      signal('SIGCONT')
      signal('SIGTERM')
      await ended
    },
  }
}

/** A port that nobody listens on right now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

async function exchange(url: string, method: string, params: readonly unknown[]): Promise<unknown> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
  const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  const answer = (await response.json()) as { result?: unknown; error?: { message: string } }
  if (answer.error !== undefined) throw new Error(`${method}: ${answer.error.message}`)
  return answer.result
}
