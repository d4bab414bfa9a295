import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { anchorRegistryAbi } from '@tallystick/contracts'
import { encodeFunctionData } from 'viem'
import { afterEach, describe, expect, test } from 'vitest'
import { chainClient, logIdOf } from '../chain.ts'
import { anchorOnce } from './anchor-once.ts'
import { freePort, startAnvil } from './anvil-process.ts'
import type { Anvil } from './anvil-process.ts'
import { configOf, deploy, minute, openWorld, origin, publisher } from './chain-world.ts'
import type { World, WorldOptions } from './chain-world.ts'
import type { ReasonCode } from './machine.ts'
import { startProxy } from './rpc-proxy.ts'
import type { Misbehavior } from './rpc-proxy.ts'

/** anvil's second account: somebody else. */
const stranger = {
  address: '0x70997970c51812dc3a010c7d01b50e0d17dc79c8',
  privateKey: '0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d',
} as const

const gwei = (amount: number) => `0x${(BigInt(amount) * 1_000_000_000n).toString(16)}`

const cleanups: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
})

async function open(options: WorldOptions = {}): Promise<World> {
  const world = await openWorld(options)
  cleanups.push(world.close)
  return world
}

async function waits(world: World, code: ReasonCode): Promise<void> {
  expect(await world.run()).toMatchObject({ outcome: 'waiting', reason: { code } })
  expect((await world.anchor())?.reason?.code).toBe(code)
}

/** A transaction of the publisher's account that is none of ours. */
function foreign(anvil: Anvil, nonce: number, feeGwei: number): Promise<unknown> {
  const fees = { maxFeePerGas: gwei(feeGwei), maxPriorityFeePerGas: gwei(feeGwei) }
  const transaction = { from: publisher.address, to: stranger.address, value: '0x1', gas: '0x5208', ...fees }
  return anvil.request('eth_sendTransaction', [{ ...transaction, nonce: `0x${nonce.toString(16)}` }])
}

/** Steps until the anchor has this state. */
async function reach(world: World, state: string): Promise<void> {
  for (let step = 0; step < 10; step++) {
    if ((await world.anchor())?.state === state) return
    await anchorOnce(world.deps, world.chain)
  }
  throw new Error(`never ${state}`)
}

interface Fault {
  name: string
  options?: WorldOptions
  /** Lets the fault happen; the anchor must then end anchored. */
  happens(world: World): Promise<void>
  /** Transactions of the account beyond the one that anchors. */
  extra?: number
}

const faults: Fault[] = [
  {
    name: 'a reorganization in which the transaction vanishes',
    async happens(world) {
      await world.run()
      await world.mine()
      await reach(world, 'mined')
      await world.anvil.request('anvil_reorg', [1, []])
      await world.mine()
      expect((await world.onChain()).anchored).toBe(0)
      await world.run()
      expect(await world.anchor()).toMatchObject({ state: 'sent', reorgs: 1 })
      expect(await world.anchor()).not.toHaveProperty('block')
    },
  },
  {
    name: 'a reorganization that moves the transaction to another block',
    async happens(world) {
      await world.run()
      await world.mine()
      await reach(world, 'mined')
      const before = await world.anchor()
      const raw = `0x${Buffer.from(before?.transactions[0]?.raw ?? []).toString('hex')}`
      await world.mine()
      await world.anvil.request('anvil_reorg', [2, [[raw, 1]]])
      await world.run()
      const after = await world.anchor()
      expect(after).toMatchObject({ state: 'mined', reorgs: 1, tx: before?.tx })
      expect(after?.block?.number).toBe((before?.block?.number ?? 0) + 1)
    },
  },
  {
    name: 'a transaction that the node drops',
    async happens(world) {
      await world.run()
      const hash = (await world.anchor())?.transactions[0]?.hash
      await world.anvil.request('anvil_dropTransaction', [hash])
      await world.mine()
      world.time += minute / 2
    },
  },
  {
    name: 'a base fee that rises above the offer: the transaction is replaced by a dearer one',
    async happens(world) {
      await world.run()
      await world.anvil.request('anvil_setNextBlockBaseFeePerGas', [gwei(30)])
      await world.mine()
      expect((await world.onChain()).transactions).toBe(0)
      await world.run()
      expect((await world.anchor())?.transactions).toHaveLength(1)
      world.time += minute
      await world.run()
      expect((await world.anchor())?.transactions).toHaveLength(2)
    },
  },
  {
    name: 'a base fee above the cap: waits before it signs, and again after',
    async happens(world) {
      await world.anvil.request('anvil_setNextBlockBaseFeePerGas', [gwei(500)])
      await world.mine()
      await waits(world, 'fee_cap')
      await world.mine(40) // empty blocks halve the base fee about every sixth
      await reach(world, 'sent')
      await world.anvil.request('anvil_setNextBlockBaseFeePerGas', [gwei(500)])
      await world.mine()
      world.time += minute
      await waits(world, 'fee_cap')
      await world.mine(40)
    },
  },
  {
    name: 'an underpriced replacement of a transaction that is not ours: outbids it',
    async happens(world) {
      await reach(world, 'signed')
      await foreign(world.anvil, 1, 20)
      await world.run()
      expect((await world.anchor())?.transactions.length).toBeGreaterThan(2)
    },
  },
  {
    name: 'a nonce that another transaction of the account used',
    extra: 1,
    async happens(world) {
      await reach(world, 'signed')
      await foreign(world.anvil, 1, 20)
      await world.mine()
    },
  },
  {
    name: 'a nonce gap, filled later',
    extra: 1,
    async happens(world) {
      const hash = await foreign(world.anvil, 1, 5)
      await reach(world, 'sent')
      await world.anvil.request('anvil_dropTransaction', [hash])
      await waits(world, 'nonce_gap')
      await world.mine()
      await waits(world, 'nonce_gap')
      await foreign(world.anvil, 1, 5)
    },
  },
  {
    name: 'a nonce gap that nobody fills, with our transaction in no pool',
    async happens(world) {
      const hash = await foreign(world.anvil, 1, 5)
      await reach(world, 'sent')
      const ours = (await world.anchor())?.transactions[0]?.hash
      await world.anvil.request('anvil_dropTransaction', [hash])
      await world.anvil.request('anvil_dropTransaction', [ours])
      await waits(world, 'nonce_gap')
      world.time += 10 * minute
    },
  },
  {
    name: 'an account that is empty until it is filled',
    async happens(world) {
      await world.anvil.request('anvil_setBalance', [publisher.address, '0x0'])
      await waits(world, 'insufficient_funds')
      await world.anvil.request('anvil_setBalance', [publisher.address, '0xde0b6b3a7640000'])
    },
  },
  {
    name: 'an account emptied between signing and sending',
    async happens(world) {
      await reach(world, 'signed')
      await world.anvil.request('anvil_setBalance', [publisher.address, '0x1'])
      await waits(world, 'insufficient_funds')
      await world.anvil.request('anvil_setBalance', [publisher.address, '0xde0b6b3a7640000'])
    },
  },
  {
    name: 'a chain that stops answering for a while',
    options: { config: { timeoutMs: 300 } },
    async happens(world) {
      await reach(world, 'sent')
      world.anvil.signal('SIGSTOP')
      await waits(world, 'rpc_unreachable')
      world.anvil.signal('SIGCONT')
    },
  },
  {
    name: 'a contract that is deployed late',
    options: { deployed: false },
    async happens(world) {
      await waits(world, 'contract_missing')
      await deploy(world.anvil)
    },
  },
  {
    name: 'an account that is made the publisher late',
    extra: 2,
    async happens(world) {
      const logId = logIdOf(origin)
      const to = publisher.contract
      const call = async (from: string, data: string) => {
        await world.anvil.request('eth_sendTransaction', [{ from, to, data }])
        await world.mine()
      }
      const offer = (address: `0x${string}`) =>
        encodeFunctionData({
          abi: anchorRegistryAbi,
          functionName: 'transferPublisher',
          args: [logId, address],
        })
      const accept = encodeFunctionData({
        abi: anchorRegistryAbi,
        functionName: 'acceptPublisher',
        args: [logId],
      })
      await call(publisher.address, offer(stranger.address))
      await call(stranger.address, accept)
      await waits(world, 'not_publisher')
      await call(stranger.address, offer(publisher.address))
      await call(publisher.address, accept)
    },
  },
  {
    name: 'another copy that anchored the same head first',
    async happens(world) {
      const other = await open({ anvil: world.anvil, deployed: false })
      await other.finish()
      await world.run()
      expect((await world.anchor())?.transactions).toHaveLength(0)
    },
  },
  {
    name: 'another copy whose transaction for the same head is mined just before ours, which reverts',
    extra: 1,
    async happens(world) {
      const other = await open({ anvil: world.anvil, deployed: false })
      await other.run()
      await reach(world, 'sent')
      await world.mine()
      await world.run()
      expect(await world.anchor()).toMatchObject({ reverts: 1 })
      world.time += minute
    },
  },
]

describe('ends anchored exactly once after', () => {
  test.each(faults.map((fault) => [fault.name, fault] as const))(
    '%s',
    async (_, { options, happens, extra = 0 }) => {
      const world = await open(options)
      await happens(world)
      const anchor = await world.finish()
      expect(anchor.reason).toBeUndefined()
      const { anchored, transactions } = await world.onChain()
      expect(anchored).toBe(1)
      expect(transactions).toBe(1 + extra)
      expect(await world.run()).toEqual({ outcome: 'idle' })
    },
  )
})

describe('with two RPC URLs, the second serves while the first', () => {
  const misbehaviors: (Misbehavior & { name: string })[] = [
    { name: 'never answers', by: 'hang' },
    { name: 'closes connections', by: 'drop' },
    { name: 'answers 503', by: 'status' },
    { name: 'answers a web page', by: 'html' },
    { name: 'answers another request', by: 'other_id' },
    { name: 'is another chain', method: 'eth_chainId', by: 'result', result: '0x1' },
    {
      name: 'answers a block without a number',
      method: 'eth_getBlockByNumber',
      by: 'result',
      result: { hash: '0x00' },
    },
    {
      name: 'answers the receipt of another transaction',
      method: 'eth_getTransactionReceipt',
      by: 'result',
      result: {
        transactionHash: `0x${'11'.repeat(32)}`,
        status: '0x1',
        blockNumber: '0x1',
        blockHash: `0x${'22'.repeat(32)}`,
        gasUsed: '0x1',
        effectiveGasPrice: '0x1',
      },
    },
  ]
  test.each(misbehaviors.map(({ name, ...rest }) => [name, rest] as const))('%s', async (_, misbehavior) => {
    const world = await open()
    const proxy = await startProxy(world.anvil.url)
    cleanups.push(proxy.close)
    proxy.misbehavior = misbehavior
    world.chain = chainClient(
      configOf(world.anvil, {
        rpcUrls: [proxy.url, world.anvil.url],
        timeoutMs: misbehavior.by === 'hang' ? 300 : 5000,
      }),
    )
    await world.finish()
    expect(proxy.asked.length).toBeGreaterThan(0)
    expect(await world.onChain()).toEqual({ anchored: 1, transactions: 1 })
  })
})

test('a URL that was refused serves again once it is cured, and its reason is told until then', async () => {
  const world = await open()
  const proxy = await startProxy(world.anvil.url)
  cleanups.push(proxy.close)
  world.chain = chainClient(configOf(world.anvil, { rpcUrls: [proxy.url] }))
  proxy.misbehavior = { by: 'status' }
  await waits(world, 'rpc_unreachable')
  expect(world.chain.health()).toEqual([{ host: new URL(proxy.url).host, reason: 'HTTP status 503' }])
  proxy.misbehavior = undefined
  await world.finish()
  expect(world.chain.health()).toEqual([{ host: new URL(proxy.url).host }])
})

describe('waits with a reason while', () => {
  test('every URL is another chain', async () => {
    const world = await open({ config: { id: 'eip155:5' } })
    await waits(world, 'wrong_chain')
    expect((await world.anchor())?.reason?.message).toContain('its chain id is 31337, not 5')
  })

  test('the contract is something else', async () => {
    const world = await open({ deployed: false })
    await world.anvil.request('anvil_setCode', [publisher.contract, '0x6000'])
    await waits(world, 'contract_refuses')
  })

  test('nobody registered the log', async () => {
    const world = await open()
    world.deps = { ...world.deps, origin: 'log.test/unregistered' }
    expect(await world.run()).toMatchObject({ outcome: 'waiting', reason: { code: 'log_not_registered' } })
  })

  test('two URLs name different final blocks', async () => {
    const world = await open()
    const proxy = await startProxy(world.anvil.url)
    cleanups.push(proxy.close)
    world.chain = chainClient(configOf(world.anvil, { rpcUrls: [world.anvil.url, proxy.url] }))
    const other = { hash: `0x${'33'.repeat(32)}`, number: '0x2' }
    proxy.misbehavior = { method: 'eth_getBlockByNumber', by: 'result', result: other }
    await world.run()
    await world.mine(5)
    await waits(world, 'nodes_disagree')
    proxy.misbehavior = undefined
    await world.finish()
  })

  test('the chain is ahead of a log that lost entries', async () => {
    const world = await open()
    await world.finish()
    const restored = await open({ anvil: world.anvil, deployed: false })
    restored.size = 7
    await waits(restored, 'chain_ahead')
    restored.size = 200
    await restored.run()
    await restored.finish()
    expect(await world.onChain()).toEqual({ anchored: 2, transactions: 2 })
  })

  test.each([
    { name: 'of the same size', size: 10 },
    { name: 'that is larger than the fork', size: 300 },
  ])('the chain holds another history ($name): an alarm, and nothing is sent', async ({ size }) => {
    const world = await open()
    await world.finish()
    const fork = await open({ anvil: world.anvil, deployed: false, salt: 'fork' })
    fork.size = size
    await waits(fork, 'other_history')
    expect(await fork.anchor()).toMatchObject({ state: 'conflict', open: true })
    expect(await world.onChain()).toEqual({ anchored: 1, transactions: 1 })
  })
})

describe('a chain that goes away', () => {
  test('and comes back from its saved state goes on', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'anvil-state-'))
    cleanups.push(async () => rmSync(directory, { recursive: true, force: true }))
    const options = { port: await freePort(), args: ['--state', join(directory, 'state.json')] }
    const first = await startAnvil(options)
    const world = await open({ anvil: first })
    await world.finish()
    await first.stop()
    world.size = 200
    await waits(world, 'rpc_unreachable')
    const second = await startAnvil(options)
    cleanups.push(second.stop)
    world.mine = async () => void (await second.request('anvil_mine', ['0x1']))
    expect(await world.finish()).toMatchObject({ from: 10 })
    const filter = { address: publisher.contract, fromBlock: '0x0', toBlock: 'latest' }
    expect(await second.request('eth_getTransactionCount', [publisher.address, 'latest'])).toBe('0x3')
    expect(await second.request('eth_getLogs', [filter])).toHaveLength(3)
  })

  test('and comes back empty: what was anchored counts as lost, and anchoring starts over', async () => {
    const port = await freePort()
    const first = await startAnvil({ port })
    const world = await open({ anvil: first })
    await world.finish()
    world.size = 200
    await world.finish()
    await first.stop()
    const second = await startAnvil({ port, args: ['--timestamp', '1000000000'] })
    cleanups.push(second.stop)
    world.mine = async () => void (await second.request('anvil_mine', ['0x1']))
    world.time += 20 * minute
    expect(await world.run()).toMatchObject({ outcome: 'waiting', reason: { code: 'contract_missing' } })
    await deploy(second)
    await world.run()
    expect(await world.anchor()).toMatchObject({ state: 'sent', from: 0 })
    await world.finish()
    expect(await second.request('eth_getTransactionCount', [publisher.address, 'latest'])).toBe('0x2')
  })

  test('with an anchor under way comes back empty: the anchor starts over with a new nonce', async () => {
    const port = await freePort()
    const first = await startAnvil({ port })
    const world = await open({ anvil: first })
    await world.finish()
    world.size = 200
    await reach(world, 'sent')
    await first.stop()
    const second = await startAnvil({ port, args: ['--timestamp', '1000000000'] })
    cleanups.push(second.stop)
    await deploy(second)
    world.mine = async () => void (await second.request('anvil_mine', ['0x1']))
    await world.finish()
    expect(await second.request('eth_getTransactionCount', [publisher.address, 'latest'])).toBe('0x2')
  })
})
