import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

/** A chain on this machine, for trying things out: it proves nothing to others. */
export interface LocalChain {
  rpcUrl: string
  /** Keys of prefunded accounts that everyone knows: worthless anywhere else. Each mode's log has its own publisher. */
  privateKeys: { test: string; live: string }
  stop(): Promise<void>
}

/** The id of the local chain, as CAIP-2 names it. */
export const localChainId = 'eip155:31337'

// The first accounts of the phrase "test test test test test test test test test test test junk", funded by anvil.
const wellKnownKeys = {
  test: '0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80',
  live: '0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d',
}
const startAttempts = 600
const attemptMs = 100
const notStarted = 'The local chain (anvil) did not start; run "npm ci" and try again'

/**
 * Starts anvil with its state kept in `stateFile`. A keeper process stands between: it ends the chain in good order when
 * this process dies, however it dies, so that the next start finds the state.
 */
export async function startLocalChain(options: { stateFile: string; port?: number }): Promise<LocalChain> {
  for (let tries = 1; ; tries++) {
    const chain = await startOn(options.port ?? (await freePort()), resolve(options.stateFile))
    if (chain !== undefined) return chain
    // Another program may have taken the port meanwhile.
    if (options.port !== undefined || tries === 3) throw new Error(notStarted)
  }
}

/** Undefined when the chain ended before it answered. */
async function startOn(port: number, stateFile: string): Promise<LocalChain | undefined> {
  const keeper = spawn(
    process.execPath,
    [fileURLToPath(import.meta.resolve('./chain-keeper.ts')), String(port), stateFile],
    // Its own process group: a signal to all of ours must not reach the one who is to clean up.
    { stdio: ['pipe', 'ignore', 'inherit'], detached: true },
  )
  const rpcUrl = `http://127.0.0.1:${port}`
  if (!(await answers(rpcUrl, keeper))) return undefined
  return {
    rpcUrl,
    privateKeys: wellKnownKeys,
    async stop() {
      if (keeper.exitCode !== null || keeper.signalCode !== null) return
      const ended = once(keeper, 'exit')
      keeper.stdin?.end()
      await ended
    },
  }
}

/** A TCP port of the loopback interface that nobody listens on. */
async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const address = probe.address()
  probe.close()
  await once(probe, 'close')
  if (address === null || typeof address === 'string') throw new Error('the system gave no port')
  return address.port
}

/** Waits until the chain answers; false when its keeper ended before. */
async function answers(rpcUrl: string, keeper: ChildProcess): Promise<boolean> {
  for (let attempt = 0; attempt < startAttempts; attempt++) {
    if (keeper.exitCode !== null) return false
    try {
      const response = await fetch(rpcUrl, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":[]}',
      })
      if (response.ok) return true
    } catch {
      // Not listening yet.
    }
    await pause(attemptMs)
  }
  keeper.kill()
  throw new Error(notStarted)
}
