import { createLog, createMetrics } from '@tallystick/runtime'
import { copyStore } from '@tallystick/storage'
import type { Store } from '@tallystick/storage'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { startAnvil } from './anchoring/anvil-process.ts'
import type { Anvil } from './anchoring/anvil-process.ts'
import type { ChainConfigInput } from './anchoring/chain-config.ts'
import { configOf } from './anchoring/chain-world.ts'
import { deployRegistry } from './anchoring/deploy-registry.ts'
import { startProxy } from './anchoring/rpc-proxy.ts'
import type { RpcProxy } from './anchoring/rpc-proxy.ts'
import { askChains, LogWouldFork } from './ask-chains.ts'
import { auditMetrics } from './audit-metrics.ts'
import { chainClient, logIdOf } from './chain.ts'
import { latestCheckpoint, logSize } from './log-reader.ts'
import { openLog, origin } from './log-world.ts'
import type { LogWorld } from './log-world.ts'
import { auditCollections } from './start-audit.ts'
import { startLoops } from './start-loops.ts'

const patient = { timeout: 10_000, interval: 10 }

let anvil: Anvil
let proxy: RpcProxy
/** The chain as it was before anything was anchored. */
let unanchored: unknown
/** The log, of 10 entries that are anchored, and a copy of when it had 4, which were not. */
let log: LogWorld
let backup: LogWorld
const cleanups: (() => Promise<unknown>)[] = []

beforeAll(async () => {
  anvil = await startAnvil()
  proxy = await startProxy(anvil.url)
  await anvil.request('evm_setAutomine', [true])
  await deployRegistry(configOf(anvil), origin)
  unanchored = await anvil.request('evm_snapshot')
  log = await openLog()
  backup = await openLog()
  const alone = start(log, [])
  await log.enqueue(4)
  await signs(log.store, 4)
  await alone.stop()
  await copyStore(log.store, backup.store, auditCollections)
  const running = start(log)
  await log.enqueue(6)
  await becomes(anchoredSize, 10)
  await running.stop()
})
afterEach(async () => {
  proxy.misbehavior = undefined
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
})
afterAll(async () => {
  await Promise.all([log.close(), backup.close(), proxy.close()])
  await anvil.stop()
})

function client(changes: Partial<ChainConfigInput> = {}) {
  const fast = { rpcUrls: [proxy.url], everyEntries: 1, confirmations: 1, pollMs: 20 }
  return chainClient(configOf(anvil, { ...fast, ...changes }))
}

/** Starts the service's loops on a log, as each start of the process does. */
function start({ store, signer }: LogWorld, chains = [client()]) {
  const told: string[] = []
  const metrics = createMetrics()
  const measures = auditMetrics(metrics)
  const loops = startLoops({
    store,
    origin,
    signer,
    chains,
    metrics,
    measures,
    now: () => new Date(),
    log: createLog({ name: 'test', level: 'error' }, { write: (line) => void told.push(line) }),
    owner: String(Math.random()),
    checkpointMs: 10,
    sequenceMs: 10,
    leaseMs: 300,
  })
  cleanups.push(loops.stop)
  return {
    ...loops,
    told,
    /** How often signing was refused, by reason. */
    async refused(reason: string): Promise<number> {
      const { values } = await measures.signingRefused.get()
      return values.find(({ labels }) => labels.reason === reason)?.value ?? 0
    },
  }
}

/** A copy of the backup that was put back, to write to. */
async function restored(): Promise<LogWorld> {
  const world = await openLog()
  cleanups.push(world.close)
  await copyStore(backup.store, world.store, auditCollections)
  return world
}

async function anchoredSize(): Promise<number> {
  const chain = client({ rpcUrls: [anvil.url] })
  return (await chain.registry(logIdOf(origin), 0, (await chain.latest()).hash)).head.size
}

async function signedSize(store: Store): Promise<number | undefined> {
  return (await latestCheckpoint(store, origin))?.size
}

function signs(store: Store, size: number): Promise<void> {
  return becomes(() => signedSize(store), size)
}

function becomes(read: () => Promise<number | undefined>, value: number): Promise<void> {
  return vi.waitFor(async () => expect(await read()).toBe(value), patient)
}

function exceeds(read: () => Promise<number>, value: number): Promise<void> {
  return vi.waitFor(async () => expect(await read()).toBeGreaterThan(value), patient)
}

test('a chain that does not answer delays nothing, and once it answers nothing more is signed', async () => {
  const old = await restored()
  proxy.misbehavior = { by: 'drop' }
  const running = start(old)
  await old.enqueue(1)
  await signs(old.store, 5)
  proxy.misbehavior = undefined
  await exceeds(() => running.refused('chain_ahead'), 0)
  // What it said is not forgotten while it is away again.
  proxy.misbehavior = { by: 'drop' }
  const before = await running.refused('chain_ahead')
  await old.enqueue(1)
  await exceeds(() => running.refused('chain_ahead'), before + 1)
  expect(await signedSize(old.store)).toBe(5)
})

test('the database that holds what is anchored goes on after a restart', async () => {
  const running = start(log)
  await log.enqueue(1)
  await signs(log.store, 11)
  expect(running.told.join()).not.toContain('LogWouldFork')
})

test('each chain is asked until it answers, and then no more', async () => {
  const quiet = createLog({ name: 'test', level: 'silent' })
  const chains = [client({ pollMs: 1 })]
  const guard = askChains({ store: log.store, origin, chains, log: quiet })(new AbortController().signal)
  proxy.misbehavior = { by: 'status' }
  await guard()
  proxy.misbehavior = undefined
  const asked = () => proxy.asked.filter((method) => method === 'eth_call').length
  const before = asked()
  await becomes(() => guard().then(asked), before + 3)
  await guard()
  const after = proxy.asked.length
  await guard()
  expect(proxy.asked.length).toBe(after)
})

test.each([
  ['hangs', { timeoutMs: 60_000 }, { by: 'hang' }],
  ['is another', {}, { by: 'result', method: 'eth_chainId', result: '0x1' }],
  ['has no contract there', { contract: `0x${'11'.repeat(20)}` }, undefined],
  ['has the name registered for a stranger', { privateKey: `0x${'22'.repeat(32)}` }, undefined],
] as const)('a chain that %s keeps nobody from signing', async (_, changes, misbehavior) => {
  proxy.misbehavior = misbehavior
  const deps = { store: backup.store, origin, log: createLog({ name: 'test', level: 'silent' }) }
  const { signal } = new AbortController()
  await askChains({ ...deps, chains: [client(changes)] }, { patienceMs: 100 })(signal)()
  proxy.misbehavior = undefined
  await expect(askChains({ ...deps, chains: [client()] })(signal)()).rejects.toBeInstanceOf(LogWouldFork)
})

test('a database older than the chain signs nothing, whatever it grows to, until the chain is reset', async () => {
  const old = await restored()
  const running = start(old)
  await old.enqueue(3)
  await becomes(() => logSize(old.store, origin), 7)
  await exceeds(() => running.refused('chain_ahead'), 0)
  const line = /LogWouldFork.*eip155:31337: the chain holds size 1[01], the log only/
  await vi.waitFor(() => expect(running.told.join()).toMatch(line), patient)

  await old.enqueue(5)
  await exceeds(() => running.refused('other_history'), 0)
  expect(await signedSize(old.store)).toBe(4)

  await anvil.request('evm_revert', [unanchored])
  await signs(old.store, 12)
})
