// Gas of an anchor and of an inclusion check by tree size, on a local chain: `npm run gas -w contracts [-- --json]`.
import { treeRoot, consistencyProof, inclusionProof } from '@tallystick/merkle'
import { type Address, type Hex, encodeFunctionData, keccak256, stringToHex, toHex } from 'viem'
import { anchorRegistryAbi as abi } from './index.ts'
import { type LocalRegistry, startLocalRegistry } from './local-registry.ts'
import { dearestPredecessor, uniformLeaf, uniformLog } from './vectors/uniform-log.ts'

const log = uniformLog()

/** What one tree size costs. Transactions count everything, the 21,000 and the calldata as well. */
export interface GasRow {
  size: number
  /** Anchor after the log grew by one percent. */
  anchor: { from: number; hashes: number; transactionGas: number }
  /** Anchor from the smaller size whose proof costs most. */
  dearestAnchor: { from: number; hashes: number; transactionGas: number }
  /** Check of the longest audit path: what a calling contract pays; as a transaction, calldata floor and all. */
  inclusion: { hashes: number; callGas: number; transactionGas: number }
}

/** Anchors trees of these sizes on an anvil of its own and reports the gas of each. */
export async function measureGas(
  sizes: readonly number[] = [10_000, 100_000, 1_000_000, 1e9],
): Promise<GasRow[]> {
  await using registry = await startLocalRegistry('')
  const rows: GasRow[] = []
  for (const size of sizes) {
    rows.push({
      size,
      anchor: await anchorFrom(registry, Math.floor(size * 0.99), size),
      dearestAnchor: await anchorFrom(registry, dearestPredecessor(size), size),
      inclusion: await includeFirst(registry, size),
    })
  }
  return rows
}

/** Takes calldata, hands it to `target` in a static call and returns the gas that the call took. */
function gasProbe(target: Address): Hex {
  return `0x365f5f375a5f5f365f73${target.slice(2)}5afa505a90035f5260205ff3`
}

async function anchorFrom(registry: LocalRegistry, from: number, size: number) {
  const origin = `anchor ${from} ${size}`
  const logId = keccak256(stringToHex(origin))
  await registry.register(origin)
  await registry.anchor(logId, from, await rootOf(from), [])
  const proof = hex(await consistencyProof(from, size, log))
  const { gasUsed } = await registry.anchor(logId, size, await rootOf(size), proof)
  return { from, hashes: proof.length, transactionGas: Number(gasUsed) }
}

/** Leaf 0 has the longest audit path of its tree. */
async function includeFirst({ address, publisher, reader, ...registry }: LocalRegistry, size: number) {
  const origin = `inclusion ${size}`
  const logId = keccak256(stringToHex(origin))
  await registry.register(origin)
  await registry.anchor(logId, size, await rootOf(size), [])
  const proof = hex(await inclusionProof(0, size, log))
  const args = [logId, BigInt(size), 0n, toHex(uniformLeaf), proof] as const
  const included = await reader.readContract({ address, abi, functionName: 'verifyInclusion', args })
  if (!included) throw new Error('a good proof was refused')
  const data = encodeFunctionData({ abi, functionName: 'verifyInclusion', args })
  const probe: Address = '0x00000000000000000000000000000000000ca11e'
  const stateOverride = [{ address: probe, code: gasProbe(address) }]
  const { data: used = '0x' } = await reader.call({ to: probe, data, stateOverride })
  const transactionGas = await reader.estimateGas({ account: publisher, to: address, data })
  return { hashes: proof.length, callGas: Number(BigInt(used)), transactionGas: Number(transactionGas) }
}

function hex(hashes: Uint8Array[]): Hex[] {
  return hashes.map((hash) => toHex(hash))
}

async function rootOf(size: number): Promise<Hex> {
  return toHex(await treeRoot(size, log))
}

if (import.meta.main) {
  const rows = await measureGas()
  if (process.argv.includes('--json')) {
    process.stdout.write(`${JSON.stringify(rows)}\n`)
  } else {
    const table = rows.map(({ size, anchor, dearestAnchor, inclusion }) => ({
      leaves: size,
      'anchor after 1 % growth': anchor.transactionGas,
      'dearest anchor': dearestAnchor.transactionGas,
      'inclusion, as a call': inclusion.callGas,
      'inclusion, as a transaction': inclusion.transactionGas,
    }))
    console.table(table)
  }
}
