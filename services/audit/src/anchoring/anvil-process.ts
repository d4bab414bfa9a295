import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
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

const startMs = 120_000

/** Starts anvil on a free port, or on the one given, and waits until it answers. */
export async function startAnvil(options: { port?: number; args?: readonly string[] } = {}): Promise<Anvil> {
  for (let tries = 1; ; tries++) {
    const anvil = await startOn(options.port ?? (await freePort()), options.args ?? [])
    if (anvil !== undefined) return anvil
    // Somebody else may have taken the port meanwhile.
    if (options.port !== undefined || tries === 3) throw new Error('anvil did not start')
  }
}

/** Undefined when anvil ended before it answered. */
async function startOn(port: number, more: readonly string[]): Promise<Anvil | undefined> {
  const args = ['--port', String(port), '--silent', '--no-mining', '--slots-in-an-epoch', '1', ...more]
  const child = spawn(anvilBinary(), args, { stdio: 'ignore' })
  const end = () => void child.kill('SIGTERM')
  process.once('exit', end)
  const ended = once(child, 'exit')
  const url = `http://127.0.0.1:${port}`
  const request = (method: string, params: readonly unknown[] = []) => exchange(url, method, params)
  for (let waited = 0; ; waited += 50) {
    if (await request('eth_chainId').then(Boolean, () => false)) break
    if (child.exitCode !== null) {
      process.off('exit', end)
      return undefined
    }
    if (waited > startMs) {
      end()
      throw new Error('anvil did not start')
    }
    await pause(50)
  }
  return {
    url,
    request,
    signal: (name) => void child.kill(name),
    async stop() {
      child.kill('SIGCONT')
      end()
      await ended
      process.off('exit', end)
    },
  }
}

/** The binary itself: the npm command is a wrapper, which a signal may end without ending the chain. */
function anvilBinary(): string {
  const platform = `${process.platform}-${process.arch === 'x64' ? 'amd64' : process.arch}`
  const file = process.platform === 'win32' ? 'anvil.exe' : 'anvil'
  const require = createRequire(import.meta.url)
  const wrapper = createRequire(require.resolve('@foundry-rs/anvil/package.json'))
  return wrapper.resolve(`@foundry-rs/anvil-${platform}/bin/${file}`)
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
