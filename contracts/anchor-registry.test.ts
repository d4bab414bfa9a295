import { execFile } from 'node:child_process'
import { createHash, generateKeyPairSync, sign } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { consistencyProof, inclusionProof, treeRoot } from '@tallystick/merkle'
import {
  http,
  createPublicClient,
  createWalletClient,
  encodeAbiParameters,
  keccak256,
  stringToHex,
} from 'viem'
import { BaseError, ContractFunctionRevertedError, type Address, type Hex, toHex } from 'viem'
import { mnemonicToAccount } from 'viem/accounts'
import { foundry } from 'viem/chains'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type LocalChain, startAnvil } from './anvil.ts'
import { compileAnchorRegistry } from './compile.ts'
import { measureGas } from './gas.ts'
import { anchorRegistryAbi as abi, anchorRegistryBytecode as bytecode } from './index.ts'
import { generateVectors } from './vectors/generate.ts'
import { uniformLeaf, uniformLog } from './vectors/uniform-log.ts'

const here = fileURLToPath(new URL('./', import.meta.url))
const run = promisify(execFile)

async function forge(...args: string[]): Promise<string> {
  const program = createRequire(import.meta.url).resolve('@foundry-rs/forge/bin.mjs')
  const env = { ...process.env, FORGE_SNAPSHOT_CHECK: 'true', NO_COLOR: '1' }
  return run(process.execPath, [program, ...args], { cwd: here, env, maxBuffer: 2 ** 26 }).then(
    ({ stdout }) => stdout,
    (error: { stdout?: string; stderr?: string }) => {
      throw new Error(`forge ${args.join(' ')}\n${error.stdout}\n${error.stderr}`)
    },
  )
}

describe('what is committed', () => {
  test('the artifact is what the sources compile to (else: npm run build -w contracts)', () => {
    const compiled = compileAnchorRegistry()
    expect(bytecode).toBe(compiled.bytecode)
    expect(abi).toEqual(compiled.abi)
  })

  test('the shared vectors are what packages/merkle makes (else: npm run vectors -w contracts)', async () => {
    const committed: unknown = JSON.parse(
      readFileSync(new URL('./vectors/proofs.json', import.meta.url), 'utf8'),
    )
    expect(await generateVectors()).toEqual(committed)
  })

  test('forge test passes and costs the gas in snapshots/', { timeout: 300_000 }, async () => {
    expect(await forge('test')).toMatch(/\b0 failed/)
    await forge(
      'snapshot',
      '--match-contract',
      'AnchorRegistryTest',
      '--no-match-test',
      'testFuzz',
      '--check',
    )
  })
})

describe('on a chain', () => {
  const origin = 'log.example/audit'
  const logId = keccak256(stringToHex(origin))
  const publisher = mnemonicToAccount('test test test test test test test test test test test junk')
  const log = uniformLog()
  let chain: LocalChain
  let reader: ReturnType<typeof readerOf>
  let address: Address

  const readerOf = (url: string) =>
    createPublicClient({ chain: foundry, transport: http(url), pollingInterval: 20 })

  beforeAll(async () => {
    chain = await startAnvil()
    reader = readerOf(chain.url)
    const wallet = createWalletClient({ account: publisher, chain: foundry, transport: http(chain.url) })
    const deployed = await reader.waitForTransactionReceipt({
      hash: await wallet.deployContract({ abi, bytecode, args: [origin] }),
    })
    if (!deployed.contractAddress) throw new Error('no contract was deployed')
    address = deployed.contractAddress
    for (const [from, size] of [
      [0, 1000],
      [1000, 1_000_000],
    ] as const) {
      const proof = from === 0 ? [] : await consistencyProof(from, size, log)
      const args = [
        logId,
        BigInt(size),
        toHex(await treeRoot(size, log)),
        proof.map((hash) => toHex(hash)),
      ] as const
      const hash = await wallet.writeContract({ address, abi, functionName: 'anchor', args })
      expect(await reader.waitForTransactionReceipt({ hash })).toMatchObject({ status: 'success' })
    }
  })

  afterAll(async () => {
    await chain[Symbol.asyncDispose]()
  })

  /** The name of the error that an anchor would revert with, undefined when it would pass. */
  async function refusal(
    size: number,
    root: Uint8Array,
    proof: Uint8Array[],
    account: Address = publisher.address,
  ) {
    const args = [logId, BigInt(size), toHex(root), proof.map((hash) => toHex(hash))] as const
    return errorName(reader.simulateContract({ account, address, abi, functionName: 'anchor', args }))
  }

  test('a proof from packages/merkle moves the head, a forged one does not', async () => {
    expect(await reader.readContract({ address, abi, functionName: 'head', args: [logId] })).toEqual([
      1_000_000n,
      toHex(await treeRoot(1_000_000, log)),
    ])
    const size = 1_234_567
    const root = await treeRoot(size, log)
    const proof = await consistencyProof(1_000_000, size, log)
    expect(await refusal(size, root, proof)).toBeUndefined()
    expect(await refusal(size, root, proof.slice(1))).toBe('InvalidConsistencyProof')
    expect(await refusal(size, uniformLeaf, proof)).toBe('InvalidConsistencyProof')
    expect(await refusal(999_999, root, proof)).toBe('SizeNotGreater')
    expect(await refusal(1_000_000, root, proof)).toBe('RootMismatch')
    expect(await refusal(1_000_000, await treeRoot(1_000_000, log), [])).toBe('AlreadyAnchored')
    expect(await refusal(size, root, proof, '0x000000000000000000000000000000000000dEaD')).toBe(
      'NotPublisher',
    )
  })

  test('an inclusion proof from packages/merkle holds against an anchored root and no other', async () => {
    const proof = (await inclusionProof(77, 1000, log)).map((hash) => toHex(hash))
    const included = async (size: bigint, leaf: Hex) =>
      reader.readContract({
        address,
        abi,
        functionName: 'verifyInclusion',
        args: [logId, size, 77n, leaf, proof],
      })
    expect(await included(1000n, toHex(uniformLeaf))).toBe(true)
    expect(await included(1000n, logId)).toBe(false)
    expect(await included(1_000_000n, toHex(uniformLeaf))).toBe(false)
    expect(await included(999n, toHex(uniformLeaf))).toBe(false)
  })

  test('roots lie in the storage slots that evidence proves with eth_getProof', async () => {
    const slot = rootSlot(logId, 1000n)
    const { storageProof } = await reader.getProof({ address, storageKeys: [slot] })
    expect(toHex(storageProof[0]?.value ?? 0n, { size: 32 })).toBe(toHex(await treeRoot(1000, log)))
  })

  test('an ES256 receipt is verified by the P-256 precompile', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const { x = '', y = '' } = publicKey.export({ format: 'jwk' })
    const coordinate = (base64url: string): Hex => toHex(Buffer.from(base64url, 'base64url'))
    const input = Buffer.from('eyJhbGciOiJFUzI1NiJ9.eyJqdGkiOiJhdWRfMSJ9')
    const signature = sign('sha256', input, { key: privateKey, dsaEncoding: 'ieee-p1363' })
    const verify = async (signed: Buffer, by: Buffer) =>
      reader.readContract({
        address,
        abi,
        functionName: 'verifyReceipt',
        args: [toHex(signed), toHex(by), coordinate(x), coordinate(y)],
      })
    expect(await verify(input, signature)).toBe(true)
    expect(await verify(Buffer.concat([input, Buffer.from('x')]), signature)).toBe(false)
    expect(await verify(input, Buffer.from(createHash('sha512').update(signature).digest()))).toBe(false)
    expect(await verify(input, signature.subarray(0, 63))).toBe(false)
  })

  test('an anchor costs at most 90,000 and an inclusion check at most 40,000 gas at a million leaves', async () => {
    const [row] = await measureGas([1_000_000])
    expect(row?.dearestAnchor.transactionGas).toBeLessThanOrEqual(90_000)
    expect(row?.anchor.transactionGas).toBeLessThanOrEqual(90_000)
    expect(row?.inclusion.callGas).toBeLessThanOrEqual(40_000)
  })

  const conformance = process.env['CONFORMANCE_VECTORS']
  describe.skipIf(!conformance)(
    'RFC 6962 vectors (skipped unless CONFORMANCE_VECTORS names their folder)',
    () => {
      const read = <T>(name: string): T[] =>
        JSON.parse(readFileSync(`${conformance}/rfc6962/${name}.json`, 'utf8'))

      test('the chain judges every inclusion vector right', async () => {
        for (const vector of read<InclusionCase>('inclusion')) {
          const size = BigInt(vector.treeSize)
          const stateDiff = [{ slot: rootSlot(logId, size), value: word(vector.root) }]
          const included = await reader.readContract({
            address,
            abi,
            functionName: 'verifyInclusion',
            args: [logId, size, BigInt(vector.leafIdx), word(vector.leafHash), vector.proof?.map(word) ?? []],
            stateOverride: [{ address, stateDiff }],
          })
          expect(included, vector.name).toBe(!vector.wantErr)
        }
      })

      test('the chain judges every consistency vector from an anchored head right', async () => {
        // Without an older head, and at the head's own size, an anchor takes no proof: see the tests above.
        const applicable = read<ConsistencyCase>('consistency').filter(
          (v) => v.size1 !== '0' && v.size1 !== v.size2,
        )
        expect(applicable.length).toBeGreaterThan(80)
        for (const vector of applicable) {
          const from = BigInt(vector.size1)
          const headSlot = keccak256(
            encodeAbiParameters([{ type: 'bytes32' }, { type: 'uint256' }], [logId, 1n]),
          )
          const stateDiff = [
            { slot: rootSlot(logId, from), value: word(vector.root1) },
            { slot: headSlot, value: toHex((from << 160n) | BigInt(publisher.address), { size: 32 }) },
          ]
          const failed = await errorName(
            reader.simulateContract({
              account: publisher.address,
              address,
              abi,
              functionName: 'anchor',
              args: [logId, BigInt(vector.size2), word(vector.root2), vector.proof?.map(word) ?? []],
              stateOverride: [{ address, stateDiff }],
            }),
          )
          expect(failed === undefined, `${vector.name}: ${failed}`).toBe(!vector.wantErr)
        }
      })
    },
  )
})

interface InclusionCase {
  name: string
  leafIdx: string
  treeSize: string
  root: string | null
  leafHash: string | null
  proof: string[] | null
  wantErr: boolean
}

interface ConsistencyCase {
  name: string
  size1: string
  size2: string
  root1: string | null
  root2: string | null
  proof: string[] | null
  wantErr: boolean
}

/** A hash of a vector as a word; those that are no hashes are filled up with zeros, which leaves them wrong. */
function word(base64: string | null): Hex {
  const padded = Buffer.alloc(32)
  Buffer.from(base64 ?? '', 'base64').copy(padded)
  return toHex(padded)
}

function rootSlot(logId: Hex, size: bigint): Hex {
  const inner = keccak256(encodeAbiParameters([{ type: 'bytes32' }, { type: 'uint256' }], [logId, 0n]))
  return keccak256(encodeAbiParameters([{ type: 'uint256' }, { type: 'bytes32' }], [size, inner]))
}

async function errorName(call: Promise<unknown>): Promise<string | undefined> {
  try {
    await call
    return undefined
  } catch (error) {
    const reverted =
      error instanceof BaseError && error.walk((e) => e instanceof ContractFunctionRevertedError)
    if (reverted instanceof ContractFunctionRevertedError) return reverted.data?.errorName ?? 'unnamed'
    throw error
  }
}
