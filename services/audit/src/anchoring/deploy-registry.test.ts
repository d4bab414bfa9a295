import { afterAll, beforeAll, expect, test } from 'vitest'
import { chainClient, logIdOf } from '../chain.ts'
import { startAnvil } from './anvil-process.ts'
import type { Anvil } from './anvil-process.ts'
import { configOf, origin, publisher } from './chain-world.ts'
import { deployRegistry } from './deploy-registry.ts'

let anvil: Anvil
beforeAll(async () => {
  anvil = await startAnvil()
  await anvil.request('evm_setAutomine', [true])
})
afterAll(() => anvil.stop())

test('a registry is deployed once, and further logs are registered in it', async () => {
  const config = configOf(anvil)
  expect(await deployRegistry(config, origin)).toMatchObject({ contract: publisher.contract })
  expect(await deployRegistry(config, origin)).toEqual({
    contract: publisher.contract,
    publisher: publisher.address,
  })
  expect(await deployRegistry(config, 'log.test/second')).toMatchObject({ contract: publisher.contract })
  const chain = chainClient(config)
  const { hash } = await chain.latest()
  expect(await chain.registry(logIdOf('log.test/second'), 0, hash)).toMatchObject({
    deployed: true,
    publisher: publisher.address,
  })
  expect(await chain.nonces(publisher.address)).toEqual({ latest: 2, pending: 2 })
})

test('an origin that a stranger took gets a registry of its own', async () => {
  const config = configOf(anvil, {
    privateKey: '0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d',
  })
  const { contract } = await deployRegistry(config, origin)
  expect(contract).not.toBe(publisher.contract)
})

test('nothing is deployed where gas costs more than the cap', async () => {
  await expect(deployRegistry(configOf(anvil, { maxFeePerGas: 1n }), 'log.test/third')).rejects.toThrow(
    'maxFeePerGas',
  )
})
