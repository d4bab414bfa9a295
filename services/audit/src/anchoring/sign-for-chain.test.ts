import { createHash } from 'node:crypto'
import { hexToBigInt, recoverAddress } from 'viem'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { secp256k1Key } from '../../test/kms-server.ts'
import { testKms } from '../../test/test-kms.ts'
import { chainClient } from '../chain.ts'
import { kmsClient } from '../kms/kms-client.ts'
import { startAnvil } from './anvil-process.ts'
import type { Anvil } from './anvil-process.ts'
import { chainConfig } from './chain-config.ts'
import { configOf, openWorld, origin, publisher } from './chain-world.ts'
import type { World } from './chain-world.ts'
import { deployRegistry } from './deploy-registry.ts'
import { listAnchors } from './list-anchors.ts'
import { chainSigner } from './sign-for-chain.ts'

const kms = await testKms()
/** In the KMS: anvil's first account, which has money. */
const kmsKey = kms.createKey('ECC_SECG_P256K1', secp256k1Key(publisher.privateKey))
afterEach(() => kms.disable(kmsKey, false))

const inKms = (key = kmsKey) => ({ privateKey: undefined, kmsKey: key })
const signerOf = (key?: string) =>
  chainSigner(configOf({ url: 'http://127.0.0.1' }, inKms(key)), kmsClient())()

describe('a signature by the KMS', () => {
  test('has the smaller s and leads back to the account, whatever the KMS gave', async () => {
    expect((await signerOf()).address.toLowerCase()).toBe(publisher.address)
    const { address, sign } = await signerOf(kms.createKey('ECC_SECG_P256K1'))
    for (let turn = 0; turn < 8; turn++) {
      const digest = createHash('sha256').update(`${turn}`).digest()
      const signature = await sign(digest)
      expect(hexToBigInt(signature.s) < 2n ** 255n).toBe(true)
      expect(await recoverAddress({ hash: `0x${digest.toString('hex')}`, signature })).toBe(address)
    }
  })

  test('by another key is refused: an alias that was pointed elsewhere moves no account', async () => {
    kms.alias('alias/publisher', kmsKey)
    const { sign } = await signerOf('alias/publisher')
    kms.alias('alias/publisher', kms.createKey('ECC_SECG_P256K1'))
    await expect(sign(Buffer.alloc(32, 1))).rejects.toMatchObject({ code: 'kms_refuses' })
  })

  test('is asked of no key of another curve', async () => {
    const p256 = kms.createKey('ECC_NIST_P256')
    await expect(signerOf(p256)).rejects.toMatchObject({ code: 'kms_refuses', message: /P256K1/ })
  })
})

test('a chain has its key in one place', () => {
  const config = configOf({ url: 'http://127.0.0.1' })
  expect(chainConfig.safeParse({ ...config, kmsKey }).success).toBe(false)
  expect(() => chainClient({ ...config, privateKey: undefined })).toThrow('neither')
})

describe('anchoring by a key in the KMS', () => {
  let anvil: Anvil
  let world: World
  beforeAll(async () => {
    anvil = await startAnvil()
  })
  beforeEach(async () => {
    world = await openWorld({ anvil, deployed: false, config: inKms() })
  })
  afterEach(() => world.close())
  afterAll(() => anvil.stop())

  test('the contract is deployed and a head anchored', async () => {
    await anvil.request('evm_setAutomine', [true])
    const deployed = await deployRegistry(configOf(anvil, inKms()), origin)
    await anvil.request('evm_setAutomine', [false])
    expect(deployed).toMatchObject({ contract: publisher.contract, publisher: publisher.address })
    expect(await world.finish()).toMatchObject({ state: 'final', sender: publisher.address })
    expect(await world.onChain()).toEqual({ anchored: 1, transactions: 1 })
  })

  test('waits for a KMS that is away or refuses, says so, and goes on where it stood', async () => {
    const told = async () => (await listAnchors({ store: world.store, origin }, { limit: 1 })).data[0]
    world.size = 200
    kms.fail('KMSInternalException')
    expect(await world.run()).toMatchObject({ outcome: 'waiting', reason: { code: 'kms_unreachable' } })
    expect(await told()).toMatchObject({ size: 200, state: 'intent', reason: { code: 'kms_unreachable' } })
    kms.fail(undefined)
    kms.disable(kmsKey)
    expect(await world.run()).toMatchObject({ outcome: 'waiting', reason: { code: 'kms_refuses' } })
    expect((await told())?.reason?.message).toBe('the KMS did not sign: GetPublicKey: DisabledException')
    // The account is known, and a nonce reserved, when the next outage comes.
    kms.disable(kmsKey, false)
    kms.fail('ThrottlingException', ['Sign'])
    expect(await world.run()).toMatchObject({ state: 'reserved', reason: { code: 'kms_unreachable' } })
    kms.fail(undefined)
    expect(await world.finish()).toMatchObject({ size: 200, from: 10, state: 'final' })
    expect(await told()).not.toHaveProperty('reason')
    expect(await world.onChain()).toEqual({ anchored: 2, transactions: 2 })
  })

  test('what is on its way is watched and settled while the KMS is away', async () => {
    world.size = 300
    await world.run()
    kms.fail('drop')
    expect(await world.finish()).toMatchObject({ size: 300, state: 'final' })
  })
})
