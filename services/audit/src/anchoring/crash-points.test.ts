import type { Store } from '@tallystick/storage'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { chainClient } from '../chain.ts'
import { anchorOnce } from './anchor-once.ts'
import { startAnvil } from './anvil-process.ts'
import type { Anvil } from './anvil-process.ts'
import { configOf, deploy, minute, openWorld } from './chain-world.ts'
import type { World } from './chain-world.ts'

let anvil: Anvil

beforeAll(async () => {
  anvil = await startAnvil()
  await deploy(anvil)
})
afterAll(() => anvil.stop())

class Crash extends Error {}

/** The store up to its nth commit, which fails: `before` it was written, or after it was, when only the answer is lost. */
function crashing(store: Store, nth: number, when: 'before' | 'after'): Store {
  let commits = 0
  const commit: Store['commit'] = async (writes) => {
    const last = ++commits === nth
    if (last && when === 'before') throw new Crash()
    await store.commit(writes)
    if (last) throw new Crash()
  }
  return new Proxy(store, {
    get(target, name) {
      if (name === 'commit') return commit
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

/** What happens to the chain after each round of stepping. */
type Course = (world: World, round: number) => Promise<void>

const courses: { name: string; course: Course; leastCommits: number }[] = [
  { name: 'a quiet chain', leastCommits: 6, course: async () => undefined },
  {
    name: 'a transaction that has to be replaced',
    leastCommits: 8,
    async course({ anvil }, round) {
      if (round === 0) await anvil.request('anvil_setNextBlockBaseFeePerGas', ['0x6fc23ac00'])
    },
  },
  {
    name: 'a reorganization that takes the transaction away',
    leastCommits: 10,
    async course({ anvil }, round) {
      if (round === 1) await anvil.request('anvil_reorg', [1, []])
    },
  },
]

/** Steps and mines until the anchor is final, as a service would: after a crash, a new instance on the same store. */
async function follow(world: World, course: Course): Promise<boolean> {
  let crashed = false
  for (let round = 0; round < 40; round++) {
    try {
      await world.run()
    } catch (error) {
      if (!(error instanceof Crash)) throw error
      crashed = true
      world.deps = { ...world.deps, store: world.store }
      world.chain = chainClient(configOf(anvil))
      await world.run()
    }
    if ((await world.anchor())?.state === 'final') return crashed
    await course(world, round)
    await world.mine()
    world.time += minute
  }
  throw new Error('never final')
}

async function isolated<T>(work: (world: World) => Promise<T>): Promise<T> {
  const pristine = await anvil.request('evm_snapshot')
  const world = await openWorld({ anvil, deployed: false })
  try {
    return await work(world)
  } finally {
    await world.close()
    await anvil.request('evm_revert', [pristine])
    // Reverting leaves the fee of the next block as it was.
    await anvil.request('anvil_setNextBlockBaseFeePerGas', ['0x3b9aca00'])
  }
}

/** Follows a course with a crash at the nth commit; false when there are not that many. */
async function crashesAt(nth: number, when: 'before' | 'after', course: Course): Promise<boolean> {
  return isolated(async (world) => {
    world.deps = { ...world.deps, store: crashing(world.store, nth, when) }
    const crashed = await follow(world, course)
    expect(await world.onChain()).toEqual({ anchored: 1, transactions: 1 })
    expect(await world.run()).toEqual({ outcome: 'idle' })
    return crashed
  })
}

describe.each(courses)('on $name', ({ course, leastCommits }) => {
  test.each(['before', 'after'] as const)(
    'stopped %s any of its commits, another instance anchors once and spends once',
    async (when) => {
      let nth = 1
      while (await crashesAt(nth, when, course)) nth++
      expect(nth).toBeGreaterThan(leastCommits)
    },
    240_000,
  )
})

test('two instances at once, which no lease keeps apart, anchor once', async () => {
  await isolated(async (world) => {
    const rival = { ...world, chain: chainClient(configOf(anvil)) }
    for (let round = 0; round < 40 && (await world.anchor())?.state !== 'final'; round++) {
      const steps = [world, rival].map(({ deps, chain }) => anchorOnce(deps, chain))
      for (const step of await Promise.allSettled(steps)) {
        if (step.status === 'rejected') expect(String(step.reason)).toMatch(/StaleVersion|DuplicateKey/)
      }
      await world.mine()
    }
    expect(await world.onChain()).toEqual({ anchored: 1, transactions: 1 })
  })
})
