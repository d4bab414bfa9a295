import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { rootSlot, verifyStateProof } from '@tallystick/evidence'
import { logIdOf, stateProof } from '../chain.ts'
import { anchorCosts } from './anchor-costs.ts'
import { startAnvil } from './anvil-process.ts'
import type { Anvil } from './anvil-process.ts'
import { deploy, minute, openWorld, origin, publisher } from './chain-world.ts'
import type { World } from './chain-world.ts'
import { anchorCovering, anchorView, listAnchors } from './list-anchors.ts'

let anvil: Anvil
let pristine: unknown
let world: World

beforeAll(async () => {
  anvil = await startAnvil()
  await deploy(anvil)
})
beforeEach(async () => {
  pristine = await anvil.request('evm_snapshot')
  world = await openWorld({ anvil, deployed: false })
})
afterEach(async () => {
  await world.close()
  await anvil.request('evm_revert', [pristine])
})
afterAll(() => anvil.stop())

test('a head is anchored once and ends final', async () => {
  const anchor = await world.finish()
  expect(anchor).toMatchObject({ size: 10, state: 'final', open: false, reorgs: 0 })
  expect(anchor.transactions).toHaveLength(1)
  expect(await world.onChain()).toEqual({ anchored: 1, transactions: 1 })
  expect(await world.run()).toEqual({ outcome: 'idle' })
})

test('the next head follows by growth or by time, proved from the last one on chain', async () => {
  await world.finish()
  world.size = 50
  expect(await world.run()).toEqual({ outcome: 'idle' })
  world.size = 110
  expect(await world.finish()).toMatchObject({ from: 10 })
  world.size = 111
  expect(await world.run()).toEqual({ outcome: 'idle' })
  world.time += 10 * minute
  expect(await world.finish()).toMatchObject({ from: 110 })
  expect(await world.onChain()).toEqual({ anchored: 3, transactions: 3 })
})

test('a new head does not wait until the one before is final', async () => {
  await world.run()
  await world.mine()
  world.size = 200
  expect(await world.run()).toMatchObject({ outcome: 'waiting', reason: { code: 'not_final' } })
  await world.mine()
  await world.finish()
  expect(await world.onChain()).toEqual({ anchored: 2, transactions: 2 })
})

test('an empty log is not anchored', async () => {
  world.size = 0
  expect(await world.run()).toEqual({ outcome: 'idle' })
})

test('every hash is stored before its transaction is broadcast', async () => {
  const send = world.chain.sendRaw
  const known: boolean[] = []
  world.chain.sendRaw = async (raw) => {
    const anchor = await world.anchor()
    known.push(
      anchor?.transactions.some((stored) => `0x${Buffer.from(stored.raw).toString('hex')}` === raw) ?? false,
    )
    return send(raw)
  }
  await world.finish()
  expect(known).toEqual([true])
})

test('the contract holds the root, provable from the block hash alone', async () => {
  const { block, root, size } = await world.finish()
  const logId = logIdOf(origin)
  const proof = await stateProof(world.chain, publisher.contract, logId, size, block?.hash ?? '')
  const bytes = (text: string) => Buffer.from(text.slice(2), 'hex')
  const slot = verifyStateProof(
    {
      header: bytes(proof?.header ?? ''),
      account: (proof?.account ?? []).map(bytes),
      storage: (proof?.storage ?? []).map(bytes),
    },
    { blockHash: block?.hash ?? '', contract: bytes(publisher.contract), slot: rootSlot(bytes(logId), size) },
  )
  expect(Buffer.from(slot.value)).toEqual(Buffer.from(root))
})

test('anchors are listed newest first, and the smallest one that holds an entry is found', async () => {
  await world.finish()
  world.size = 200
  world.time += minute
  await world.finish()
  const page = await listAnchors({ store: world.store, origin }, { limit: 1 })
  expect(page.data.map((anchor) => anchorView.parse(anchor).size)).toEqual([200])
  const rest = await listAnchors(
    { store: world.store, origin },
    { limit: 5, starting_after: page.next_cursor },
  )
  expect(rest.data.map(({ size, state }) => ({ size, state }))).toEqual([{ size: 10, state: 'final' }])
  const place = { chain: world.chain.id, contract: world.chain.contract }
  expect((await anchorCovering(world, { ...place, origin, index: 9 }))?.size).toBe(10)
  expect((await anchorCovering(world, { ...place, origin, index: 10 }))?.size).toBe(200)
  expect(await anchorCovering(world, { ...place, origin, index: 200 })).toBeUndefined()
})

test('the cost report adds up gas, prices and receipts', async () => {
  const first = await world.finish()
  world.size = 1000
  const second = await world.finish()
  const costs = await anchorCosts(world.store, {
    chain: world.chain.id,
    contract: world.chain.contract,
    origin,
  })
  const of = ({ gasUsed, effectiveGasPrice }: typeof first) =>
    BigInt(gasUsed ?? 0) * BigInt(effectiveGasPrice ?? 0)
  expect(costs).toMatchObject({ anchors: 2, paid: 2, reverted: 0, receipts: 1000 })
  expect(costs.gasUsed).toBe((first.gasUsed ?? 0) + (second.gasUsed ?? 0))
  expect(costs.total).toBe(of(first) + of(second))
  expect(costs.perThousandReceipts).toBe(costs.total)
})
