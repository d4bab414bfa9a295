import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { deployStore, getProof, startChain, storeWord } from '../test/chain.ts'
import type { Chain } from '../test/chain.ts'
import { rpc } from './cli/rpc.ts'
import { headerRlp, HeaderError } from './header.ts'
import type { RpcBlock } from './header.ts'
import { bytesToHex, hexToBytes } from './hex.ts'
import { keccak256 } from './keccak.ts'
import { holdsRoot, logIdOf, rootSlot, StateProofError, verifyStateProof } from './state-proof.ts'
import type { StateProof } from './state-proof.ts'

const origin = 'log.example/audit-test'
const root = keccak256(Buffer.from('a root'))
const shortRoot = new Uint8Array(32).fill(7, 3) // begins with zeros, so the trie stores fewer bytes

let chain: Chain
let contract: string

/** Everything a proof needs, fetched from the chain. */
async function proveSlot(
  slot: Uint8Array,
  blockHash: string,
): Promise<{ proof: StateProof; block: RpcBlock }> {
  const { block, account, storage } = await getProof(chain, contract, slot, blockHash)
  const proof = {
    header: headerRlp(block),
    account: account.map(hexToBytes),
    storage: storage.map(hexToBytes),
  }
  return { proof, block }
}

describe('a state proof from a real chain', () => {
  beforeAll(async () => {
    chain = await startChain()
    contract = await deployStore(chain)
    for (let size = 1; size <= 40; size++) {
      await storeWord(chain, contract, rootSlot(logIdOf(origin), size), keccak256(Uint8Array.of(size)))
    }
    await storeWord(chain, contract, rootSlot(logIdOf(origin), 999), shortRoot)
  })
  afterAll(() => chain.stop())

  it('proves what the contract stores for a log and a size', async () => {
    const slot = rootSlot(logIdOf(origin), 1234)
    const { blockHash } = await storeWord(chain, contract, slot, root)
    const { proof, block } = await proveSlot(slot, blockHash)
    const proven = verifyStateProof(proof, { blockHash, contract: hexToBytes(contract), slot })
    expect(proven.value).toEqual(root)
    expect(proven.blockNumber).toBe(Number(block['number']))
    expect(proven.blockTime).toBe(Number(block['timestamp']))
    expect(holdsRoot(proven, root)).toBe(true)
    expect(holdsRoot(proven, shortRoot)).toBe(false)
  })

  it('proves each of many slots, and one that begins with zeros', async () => {
    const latest = await rpc(chain.url, 'eth_getBlockByNumber', ['latest', false])
    const blockHash = String((latest as RpcBlock)['hash'])
    for (let size = 1; size <= 40; size++) {
      const slot = rootSlot(logIdOf(origin), size)
      const { proof } = await proveSlot(slot, blockHash)
      const { value } = verifyStateProof(proof, { blockHash, contract: hexToBytes(contract), slot })
      expect(value).toEqual(keccak256(Uint8Array.of(size)))
    }
    const slot = rootSlot(logIdOf(origin), 999)
    const { proof } = await proveSlot(slot, blockHash)
    const { value } = verifyStateProof(proof, { blockHash, contract: hexToBytes(contract), slot })
    expect(value).toEqual(shortRoot)
  })

  it('shows an empty slot as zero, which is never a root', async () => {
    const slot = rootSlot(logIdOf(origin), 5555)
    const latest = await rpc(chain.url, 'eth_getBlockByNumber', ['latest', false])
    const blockHash = String((latest as RpcBlock)['hash'])
    const { proof } = await proveSlot(slot, blockHash)
    const proven = verifyStateProof(proof, { blockHash, contract: hexToBytes(contract), slot })
    expect(proven.value).toEqual(new Uint8Array(32))
    expect(holdsRoot(proven, new Uint8Array(32))).toBe(false)
  })

  it('refuses the proof for another slot, contract or block, and says which', async () => {
    const slot = rootSlot(logIdOf(origin), 3)
    const latest = await rpc(chain.url, 'eth_getBlockByNumber', ['latest', false])
    const blockHash = String((latest as RpcBlock)['hash'])
    const { proof } = await proveSlot(slot, blockHash)
    const at = { blockHash, contract: hexToBytes(contract), slot }
    const code = (over: Partial<typeof at>, mutated: Partial<StateProof> = {}) => {
      try {
        return verifyStateProof({ ...proof, ...mutated }, { ...at, ...over })
      } catch (error) {
        return error instanceof StateProofError ? error.code : error
      }
    }
    expect(code({ blockHash: `0x${'11'.repeat(32)}` })).toBe('wrong_block')
    expect(code({ contract: new Uint8Array(20) })).toMatch(/bad_account|no_account/)
    expect(code({ slot: new Uint8Array(32) })).not.toHaveProperty('value', keccak256(Uint8Array.of(3)))
    expect(code({}, { header: proof.header.subarray(1) })).toBe('bad_header')
    expect(code({}, { account: [] })).toBe('bad_account')
    expect(code({}, { storage: [] })).toBe('bad_storage')
    expect(code({}, { storage: proof.account })).toBe('bad_storage')
  })

  it('is broken by a change of any one byte of the header or of any node', async () => {
    const slot = rootSlot(logIdOf(origin), 7)
    const latest = await rpc(chain.url, 'eth_getBlockByNumber', ['latest', false])
    const blockHash = String((latest as RpcBlock)['hash'])
    const { proof } = await proveSlot(slot, blockHash)
    const parts = [proof.header, ...proof.account, ...proof.storage]
    const place = fc
      .nat(parts.length - 1)
      .chain((part) =>
        fc.tuple(fc.constant(part), fc.nat((parts[part]?.length ?? 1) - 1), fc.integer({ min: 1, max: 255 })),
      )
    fc.assert(
      fc.property(place, ([part, at, mask]) => {
        const changed = parts.map((bytes, index) =>
          index === part ? bytes.map((byte, offset) => (offset === at ? byte ^ mask : byte)) : bytes,
        )
        const [header = new Uint8Array(0), ...nodes] = changed
        const account = nodes.slice(0, proof.account.length)
        const storage = nodes.slice(proof.account.length)
        expect(() =>
          verifyStateProof({ header, account, storage }, { blockHash, contract: hexToBytes(contract), slot }),
        ).toThrow(StateProofError)
      }),
      { numRuns: 500 },
    )
  })
})

describe('a header rebuilt from JSON-RPC', () => {
  it.each(['london', 'shanghai', 'cancun', 'prague', 'osaka'])(
    'hashes to its block under %s',
    async (fork) => {
      const forked = await startChain(['--hardfork', fork])
      try {
        await rpc(forked.url, 'evm_mine', [])
        const block = (await rpc(forked.url, 'eth_getBlockByNumber', ['latest', false])) as RpcBlock
        expect(bytesToHex(keccak256(headerRlp(block)))).toBe(block['hash'])
        expect(() => headerRlp({ ...block, gasUsed: '0x5' })).toThrow(HeaderError)
        expect(() => headerRlp({ ...block, miner: undefined })).toThrow(HeaderError)
        expect(() => headerRlp({ ...block, extraData: 'not hex' })).toThrow(HeaderError)
      } finally {
        await forked.stop()
      }
    },
  )
})
