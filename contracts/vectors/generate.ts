// Writes proofs.json, which both Solidity and TypeScript check: `npm run vectors -w contracts`.
import { writeFileSync } from 'node:fs'
import { createHash } from 'node:crypto'
import {
  type HashSource,
  consistencyProof,
  inclusionProof,
  leafHash,
  nodeHash,
  treeRoot,
} from '@tallystick/merkle'
import { dearestPredecessor, uniformLeaf, uniformLog } from './uniform-log.ts'

type Hex = `0x${string}`

export interface InclusionVector {
  name: string
  index: string
  size: string
  leafHash: Hex
  root: Hex
  proof: Hex[]
  valid: boolean
}

export interface ConsistencyVector {
  name: string
  from: string
  to: string
  fromRoot: Hex
  toRoot: Hex
  proof: Hex[]
  valid: boolean
}

export interface GasVector {
  inclusion: InclusionVector
  consistency: ConsistencyVector
}

const GAS_SIZES = { '10k': 10_000, '100k': 100_000, '1M': 1_000_000, '1G': 1_000_000_000 }

/** Good proofs of small and of huge trees, and of each some forgeries named after what they try. */
export async function generateVectors(): Promise<{
  inclusion: InclusionVector[]
  consistency: ConsistencyVector[]
  gas: Record<string, GasVector>
}> {
  const small = distinctLog(600)
  const huge = uniformLog()
  const inclusion: InclusionVector[] = []
  for (const [index, size] of [
    [0, 1],
    [0, 2],
    [2, 3],
    [5, 7],
    [7, 8],
    [254, 255],
    [256, 257],
    [599, 600],
  ] as const) {
    inclusion.push(...forgedInclusions(await inclusionVector(index, size, small, await small(0, index))))
  }
  const top = Number.MAX_SAFE_INTEGER
  inclusion.push(...forgedInclusions(await inclusionVector(top - 1, top, huge, uniformLeaf)))
  const consistency: ConsistencyVector[] = []
  for (const [from, to] of [
    [1, 2],
    [1, 8],
    [2, 3],
    [3, 7],
    [4, 8],
    [6, 8],
    [255, 257],
    [256, 600],
    [511, 600],
  ] as const) {
    consistency.push(...forgedConsistencies(await consistencyVector(from, to, small)))
  }
  consistency.push(...forgedConsistencies(await consistencyVector(top - 2, top, huge)))
  const gas: Record<string, GasVector> = {}
  for (const [name, size] of Object.entries(GAS_SIZES)) {
    gas[name] = {
      inclusion: await inclusionVector(0, size, huge, uniformLeaf),
      consistency: await consistencyVector(dearestPredecessor(size), size, huge),
    }
  }
  return { inclusion, consistency, gas }
}

async function inclusionVector(
  index: number,
  size: number,
  log: HashSource,
  leaf: Uint8Array,
): Promise<InclusionVector> {
  const proof = await inclusionProof(index, size, log)
  return {
    name: `leaf ${index} of ${size}`,
    index: String(index),
    size: String(size),
    leafHash: hex(leaf),
    root: hex(await treeRoot(size, log)),
    proof: proof.map(hex),
    valid: true,
  }
}

async function consistencyVector(from: number, to: number, log: HashSource): Promise<ConsistencyVector> {
  const proof = await consistencyProof(from, to, log)
  return {
    name: `${from} to ${to}`,
    from: String(from),
    to: String(to),
    fromRoot: hex(await treeRoot(from, log)),
    toRoot: hex(await treeRoot(to, log)),
    proof: proof.map(hex),
    valid: true,
  }
}

function forgedInclusions(good: InclusionVector): InclusionVector[] {
  const bad = (attack: string, change: Partial<InclusionVector>): InclusionVector => ({
    ...good,
    ...change,
    name: `${good.name}: ${attack}`,
    valid: false,
  })
  const forged = [
    bad('index past the end', { index: good.size }),
    bad('index beyond 64 bits', { index: String(BigInt(good.index) + 2n ** 64n) }),
    bad('empty tree', { size: '0' }),
    bad('other leaf', { leafHash: flip(good.leafHash) }),
    bad('other root', { root: flip(good.root) }),
    bad('trailing hash', { proof: [...good.proof, good.root] }),
    bad('leading hash', { proof: [good.root, ...good.proof] }),
  ]
  if (good.proof.length === 0) return [good, ...forged]
  return [
    good,
    ...forged,
    bad('changed hash', { proof: good.proof.with(0, flip(good.proof[0] ?? '0x')) }),
    bad('first hash missing', { proof: good.proof.slice(1) }),
    bad('last hash missing', { proof: good.proof.slice(0, -1) }),
    bad('no proof', { proof: [] }),
    bad('root taken for the leaf', { leafHash: good.root, proof: [] }),
  ]
}

function forgedConsistencies(good: ConsistencyVector): ConsistencyVector[] {
  const bad = (attack: string, change: Partial<ConsistencyVector>): ConsistencyVector => ({
    ...good,
    ...change,
    name: `${good.name}: ${attack}`,
    valid: false,
  })
  return [
    good,
    bad('swapped roots', { fromRoot: good.toRoot, toRoot: good.fromRoot }),
    bad('swapped sizes', { from: good.to, to: good.from }),
    bad('rewritten history', { fromRoot: flip(good.fromRoot) }),
    bad('other new root', { toRoot: flip(good.toRoot) }),
    bad('from the empty tree', { from: '0' }),
    bad('changed hash', { proof: [...good.proof.slice(0, -1), flip(good.proof.at(-1) ?? '0x')] }),
    bad('last hash missing', { proof: good.proof.slice(0, -1) }),
    bad('first hash missing', { proof: good.proof.slice(1) }),
    bad('trailing hash', { proof: [...good.proof, good.toRoot] }),
    bad('old root sent first', { proof: [good.fromRoot, ...good.proof] }),
    bad('no proof', { proof: [] }),
    bad('no proof, same root', { proof: [], toRoot: good.fromRoot }),
  ]
}

/** A log of the entries SHA-256("entry 0"), SHA-256("entry 1"), … with all its full subtrees in memory. */
function distinctLog(size: number): HashSource {
  const entry = (index: number) => createHash('sha256').update(`entry ${index}`).digest()
  const levels = [Array.from({ length: size }, (_, index) => leafHash(entry(index)))]
  for (let below = levels[0] ?? []; below.length > 1; below = levels.at(-1) ?? []) {
    const pairs = Math.floor(below.length / 2)
    levels.push(Array.from({ length: pairs }, (_, at) => nodeHash(...pairAt(below, at))))
  }
  return (level, index) => {
    const hash = levels[level]?.[index]
    if (!hash) throw new Error(`no full subtree ${level}/${index}`)
    return hash
  }
}

function pairAt(hashes: Uint8Array[], at: number): [Uint8Array, Uint8Array] {
  const [left, right] = hashes.slice(2 * at, 2 * at + 2)
  if (!left || !right) throw new Error(`no pair at ${at}`)
  return [left, right]
}

function hex(bytes: Uint8Array): Hex {
  return `0x${Buffer.from(bytes).toString('hex')}`
}

function flip(hash: Hex): Hex {
  const last = Number.parseInt(hash.at(-1) ?? '0', 16) ^ 1
  return `0x${hash.slice(2, -1)}${last.toString(16)}`
}

if (import.meta.main) {
  const vectors = await generateVectors()
  writeFileSync(new URL('./proofs.json', import.meta.url), `${JSON.stringify(vectors, null, 2)}\n`)
}
