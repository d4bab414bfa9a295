import { readFileSync } from 'node:fs'
import { type Hex, keccak256, stringToHex, toHex } from 'viem'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { anchorRegistryAbi as abi } from './index.ts'
import { type LocalRegistry, startLocalRegistry } from './local-registry.ts'
import { headSlot, revertName, rootSlot } from './registry-state.ts'

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

const folder = process.env['CONFORMANCE_VECTORS']
const title = 'RFC 6962 vectors on chain (skipped unless CONFORMANCE_VECTORS names their folder)'

describe.skipIf(!folder)(title, () => {
  const origin = 'log.example/conformance'
  const logId = keccak256(stringToHex(origin))
  let registry: LocalRegistry

  beforeAll(async () => {
    registry = await startLocalRegistry(origin)
  })

  afterAll(() => registry[Symbol.asyncDispose]())

  test('every inclusion vector is judged right', async () => {
    const { address, reader } = registry
    const vectors: InclusionCase[] = JSON.parse(readFileSync(`${folder}/rfc6962/inclusion.json`, 'utf8'))
    for (const { name, treeSize, leafIdx, root, leafHash, proof, wantErr } of vectors) {
      const size = BigInt(treeSize)
      const included = await reader.readContract({
        address,
        abi,
        functionName: 'verifyInclusion',
        args: [logId, size, BigInt(leafIdx), word(leafHash), proof?.map(word) ?? []],
        stateOverride: [{ address, stateDiff: [{ slot: rootSlot(logId, size), value: word(root) }] }],
      })
      expect(included, name).toBe(!wantErr)
    }
  })

  test('every consistency vector that starts from an older head is judged right', async () => {
    const { address, publisher, reader } = registry
    const vectors: ConsistencyCase[] = JSON.parse(readFileSync(`${folder}/rfc6962/consistency.json`, 'utf8'))
    // Without an older head, and at the head's own size, an anchor takes no proof: see test/AnchorRegistry.t.sol.
    const growing = vectors.filter(({ size1, size2 }) => size1 !== '0' && size1 !== size2)
    expect(growing.length).toBeGreaterThan(80)
    for (const { name, size1, size2, root1, root2, proof, wantErr } of growing) {
      const from = BigInt(size1)
      const head = toHex((from << 160n) | BigInt(publisher), { size: 32 })
      const stateDiff = [
        { slot: rootSlot(logId, from), value: word(root1) },
        { slot: headSlot(logId), value: head },
      ]
      const refusal = await revertName(
        reader.simulateContract({
          account: publisher,
          address,
          abi,
          functionName: 'anchor',
          args: [logId, BigInt(size2), word(root2), proof?.map(word) ?? []],
          stateOverride: [{ address, stateDiff }],
        }),
      )
      expect(refusal !== undefined, `${name}: ${refusal}`).toBe(wantErr)
    }
  })
})

/** A hash of a vector as a word; those that are no hashes are filled up with zeros, which leaves them wrong. */
function word(base64: string | null): Hex {
  const padded = Buffer.alloc(32)
  Buffer.from(base64 ?? '', 'base64').copy(padded)
  return toHex(padded)
}
