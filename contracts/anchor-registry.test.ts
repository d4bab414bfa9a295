import { generateKeyPairSync, sign } from 'node:crypto'
import { consistencyProof, inclusionProof, treeRoot } from '@tallystick/merkle'
import { type Address, type Hex, keccak256, stringToHex, toHex } from 'viem'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { measureGas } from './gas.ts'
import { anchorRegistryAbi as abi } from './index.ts'
import { type LocalRegistry, startLocalRegistry } from './local-registry.ts'
import { revertName, rootSlot } from './registry-state.ts'
import { uniformLeaf, uniformLog } from './vectors/uniform-log.ts'

const origin = 'log.example/audit'
const logId = keccak256(stringToHex(origin))
const log = uniformLog()
let registry: LocalRegistry

beforeAll(async () => {
  registry = await startLocalRegistry(origin)
  await registry.anchor(logId, 1000, toHex(await treeRoot(1000, log)), [])
  const proof = hex(await consistencyProof(1000, 1_000_000, log))
  await registry.anchor(logId, 1_000_000, toHex(await treeRoot(1_000_000, log)), proof)
})

afterAll(() => registry[Symbol.asyncDispose]())

test('a proof from packages/merkle moves the head, a forged one does not', async () => {
  const { address, publisher, reader } = registry
  const millionth = await treeRoot(1_000_000, log)
  const head = await reader.readContract({ address, abi, functionName: 'head', args: [logId] })
  expect(head).toEqual([1_000_000n, toHex(millionth)])

  const refusal = (size: number, root: Uint8Array, proof: Uint8Array[], account: Address = publisher) => {
    const args = [logId, BigInt(size), toHex(root), hex(proof)] as const
    return revertName(reader.simulateContract({ account, address, abi, functionName: 'anchor', args }))
  }
  const size = 1_234_567
  const root = await treeRoot(size, log)
  const proof = await consistencyProof(1_000_000, size, log)
  expect(await refusal(size, root, proof)).toBeUndefined()
  expect(await refusal(size, root, proof.slice(1))).toBe('InvalidConsistencyProof')
  expect(await refusal(size, uniformLeaf, proof)).toBe('InvalidConsistencyProof')
  expect(await refusal(999_999, root, proof)).toBe('SizeNotGreater')
  expect(await refusal(1_000_000, root, proof)).toBe('RootMismatch')
  expect(await refusal(1_000_000, millionth, [])).toBe('AlreadyAnchored')
  expect(await refusal(size, root, proof, '0x000000000000000000000000000000000000dEaD')).toBe('NotPublisher')
})

test('an inclusion proof from packages/merkle holds against its own anchored root and no other', async () => {
  const { address, reader } = registry
  const proof = hex(await inclusionProof(77, 1000, log))
  const isIncluded = (size: bigint, leaf: Hex) => {
    const args = [logId, size, 77n, leaf, proof] as const
    return reader.readContract({ address, abi, functionName: 'verifyInclusion', args })
  }
  expect(await isIncluded(1000n, toHex(uniformLeaf))).toBe(true)
  expect(await isIncluded(1000n, logId)).toBe(false)
  expect(await isIncluded(1_000_000n, toHex(uniformLeaf))).toBe(false)
  expect(await isIncluded(999n, toHex(uniformLeaf))).toBe(false)
})

test('roots lie in the storage slots that evidence proves with eth_getProof', async () => {
  const { address, reader } = registry
  const { storageProof } = await reader.getProof({ address, storageKeys: [rootSlot(logId, 1000n)] })
  expect(toHex(storageProof[0]?.value ?? 0n, { size: 32 })).toBe(toHex(await treeRoot(1000, log)))
})

test('an ES256 receipt is verified by the P-256 precompile', async () => {
  const { address, reader } = registry
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' })
  const verify = (input: Buffer, signature: Buffer) => {
    const key = [toHex(Buffer.from(x, 'base64url')), toHex(Buffer.from(y, 'base64url'))] as const
    const args = [toHex(input), toHex(signature), ...key] as const
    return reader.readContract({ address, abi, functionName: 'verifyReceipt', args })
  }
  const input = Buffer.from('eyJhbGciOiJFUzI1NiJ9.eyJqdGkiOiJhdWRfMSJ9')
  const signature = sign('sha256', input, { key: privateKey, dsaEncoding: 'ieee-p1363' })
  expect(await verify(input, signature)).toBe(true)
  expect(await verify(Buffer.concat([input, Buffer.from('x')]), signature)).toBe(false)
  expect(await verify(input, Buffer.from(signature.map((byte) => byte ^ 1)))).toBe(false)
  expect(await verify(input, signature.subarray(0, 63))).toBe(false)
})

test('an anchor costs at most 90,000 and an inclusion check at most 40,000 gas at a million leaves', async () => {
  const [row] = await measureGas([1_000_000])
  expect(row?.dearestAnchor.transactionGas).toBeLessThanOrEqual(90_000)
  expect(row?.anchor.transactionGas).toBeLessThanOrEqual(90_000)
  expect(row?.inclusion.callGas).toBeLessThanOrEqual(40_000)
})

function hex(hashes: Uint8Array[]): Hex[] {
  return hashes.map((hash) => toHex(hash))
}
