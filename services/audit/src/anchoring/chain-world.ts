import { consistencyProof, leafHash, nodeHash, treeRoot } from '@tallystick/merkle'
import type { HashSource } from '@tallystick/merkle'
import { openStore } from '@tallystick/storage'
import { testDatabase } from '@tallystick/storage/test-database'
import type { Store } from '@tallystick/storage'
import { chainClient, logIdOf } from '../chain.ts'
import type { ChainClient } from '../chain.ts'
import { anchorOnce } from './anchor-once.ts'
import type { AnchorStep } from './anchor-once.ts'
import { startAnvil } from './anvil-process.ts'
import type { Anvil } from './anvil-process.ts'
import { chainConfig } from './chain-config.ts'
import type { ChainConfigInput } from './chain-config.ts'
import { anchorAccounts, anchors } from './collections.ts'
import type { StoredAnchor } from './collections.ts'
import { deployRegistry } from './deploy-registry.ts'
import type { AnchorDeps } from './machine.ts'

/** anvil's first account, and the address of the first contract that it creates. */
export const publisher = {
  address: '0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266',
  privateKey: '0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80',
  contract: '0x5fbdb2315678afecb367f032d93f642f64180aa3',
} as const

export const origin = 'log.test/anchoring'
export const minute = 60_000
const mostSteps = 60

/** A log of any size, an anchorer of it, and the chain that it anchors on: all real, with a clock set by hand. */
export interface World {
  anvil: Anvil
  chain: ChainClient
  deps: AnchorDeps
  store: Store
  /** Sets the log's newest checkpoint. */
  size: number
  time: number
  /** Steps until nothing advances any more. */
  run(): Promise<AnchorStep>
  /** Runs and mines, a second for each block, until an anchor of the log's size is final. */
  finish(): Promise<StoredAnchor>
  mine(blocks?: number): Promise<void>
  /** The anchor of the log's size. */
  anchor(): Promise<StoredAnchor | undefined>
  /** The Anchored events on chain, and the account's transactions in blocks without the deployment. */
  onChain(): Promise<{ anchored: number; transactions: number }>
  close(): Promise<void>
}

/** What differs from a healthy chain with a deployed registry. */
export interface WorldOptions {
  anvil?: Anvil
  config?: Partial<ChainConfigInput>
  deployed?: boolean
  /** Makes the entries differ: another history. */
  salt?: string
  store?: Store
}

/** Opens a world on a fresh anvil, or on the one given. */
export async function openWorld(options: WorldOptions = {}): Promise<World> {
  const anvil = options.anvil ?? (await startAnvil())
  const database = await testDatabase()
  const store =
    options.store ??
    (await openStore(database.url, { name: 'audit-test', collections: [anchors, anchorAccounts] }))
  const config = configOf(anvil, options.config)
  const source = hashSource(options.salt ?? '')

  const world: World = {
    anvil,
    store,
    chain: chainClient(config),
    size: 10,
    time: Date.UTC(2026, 0, 1),
    deps: {
      store,
      origin,
      now: () => new Date(world.time),
      latestCheckpoint: async () => ({ size: world.size, root: await treeRoot(world.size, source) }),
      consistencyProof: async (from, to) => consistencyProof(from, to, source),
      log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    },
    async run() {
      for (let step = 0; step < mostSteps; step++) {
        const result = await anchorOnce(world.deps, world.chain)
        if (result.outcome !== 'advanced') return result
      }
      throw new Error('anchoring never came to rest')
    },
    async finish() {
      for (let round = 0; round < mostSteps; round++) {
        await world.run()
        const anchor = await world.anchor()
        if (anchor?.state === 'final') return anchor
        await world.mine()
        world.time += 1000
      }
      throw new Error(`not final: ${JSON.stringify(await world.run())}`)
    },
    async mine(blocks = 1) {
      await anvil.request('anvil_mine', [`0x${blocks.toString(16)}`])
    },
    async anchor() {
      const { items } = await store.find(anchors.byLog, { equals: [origin, world.size] })
      return items[0]
    },
    onChain: () => onChain(anvil),
    async close() {
      if (options.anvil === undefined) await anvil.stop()
      if (options.store === undefined) await store.close()
      await database.drop()
    },
  }
  if (options.deployed !== false) {
    await deploy(anvil).catch(async (error: unknown) => {
      await world.close() // or the chain's process would outlive the test
      throw error
    })
  }
  return world
}

/** A chain's configuration with short times, changed as asked. */
export function configOf(anvil: Pick<Anvil, 'url'>, changes: Partial<ChainConfigInput> = {}) {
  return chainConfig.parse({
    id: 'eip155:31337',
    rpcUrls: [anvil.url],
    contract: publisher.contract,
    privateKey: publisher.privateKey,
    everyMs: 10 * minute,
    everyEntries: 100,
    replaceAfterMs: minute,
    timeoutMs: 5000,
    ...changes,
  })
}

/** Deploys the registry as the account's first transaction, so that its address is `publisher.contract`. */
export async function deploy(anvil: Anvil): Promise<void> {
  await anvil.request('evm_setAutomine', [true])
  await deployRegistry(configOf(anvil), origin)
  await anvil.request('evm_setAutomine', [false])
}

async function onChain(anvil: Anvil): Promise<{ anchored: number; transactions: number }> {
  const filter = {
    address: publisher.contract,
    topics: [null, logIdOf(origin)],
    fromBlock: '0x0',
    toBlock: 'latest',
  }
  const logs = (await anvil.request('eth_getLogs', [filter])) as { topics: string[] }[]
  const nonce = Number(await anvil.request('eth_getTransactionCount', [publisher.address, 'latest']))
  // Registered, the other event with two arguments indexed, has the publisher as the second one.
  const anchored = logs.filter(
    ({ topics }) => topics.length === 3 && !topics[2]?.endsWith(publisher.address.slice(2)),
  )
  return { anchored: anchored.length, transactions: nonce - 1 }
}

/** Hashes of all full subtrees of a log whose entries follow from their index. */
function hashSource(salt: string): HashSource {
  const source = (level: number, index: number): Uint8Array =>
    level === 0
      ? leafHash(Buffer.from(`${salt}${index}`))
      : nodeHash(source(level - 1, 2 * index), source(level - 1, 2 * index + 1))
  return source
}
