// Gas of an anchor and of an inclusion check by tree size, on a local chain: `npm run gas -w contracts [-- --json]`.
import { treeRoot, consistencyProof, inclusionProof } from '@tallystick/merkle'
import {
  type Address,
  type Hex,
  createPublicClient,
  createWalletClient,
  encodeFunctionData,
  http,
} from 'viem'
import { keccak256, stringToHex, toHex } from 'viem'
import { mnemonicToAccount } from 'viem/accounts'
import { foundry } from 'viem/chains'
import { startAnvil } from './anvil.ts'
import { anchorRegistryAbi as abi, anchorRegistryBytecode as bytecode } from './index.ts'
import { dearestPredecessor, uniformLeaf, uniformLog } from './vectors/uniform-log.ts'

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
  await using chain = await startAnvil()
  const registry = await deploy(chain.url)
  const rows: GasRow[] = []
  for (const size of sizes) {
    rows.push({
      size,
      anchor: await registry.anchorFrom(Math.floor(size * 0.99), size),
      dearestAnchor: await registry.anchorFrom(dearestPredecessor(size), size),
      inclusion: await registry.includeFirst(size),
    })
  }
  return rows
}

/** Takes calldata, hands it to `target` in a static call and returns the gas that the call took. */
function gasProbe(target: Address): Hex {
  return `0x365f5f375a5f5f365f73${target.slice(2)}5afa505a90035f5260205ff3`
}

async function deploy(url: string) {
  const account = mnemonicToAccount('test test test test test test test test test test test junk')
  const reader = createPublicClient({ chain: foundry, transport: http(url), pollingInterval: 20 })
  const wallet = createWalletClient({ account, chain: foundry, transport: http(url) })
  const sent = async (hash: Hex) => {
    const receipt = await reader.waitForTransactionReceipt({ hash })
    if (receipt.status !== 'success') throw new Error(`transaction ${hash} failed`)
    return receipt
  }
  const log = uniformLog()
  const hex = (hashes: Uint8Array[]): Hex[] => hashes.map((hash) => toHex(hash))
  const rootHex = async (size: number): Promise<Hex> => toHex(await treeRoot(size, log))

  const { contractAddress: address } = await sent(await wallet.deployContract({ abi, bytecode, args: [''] }))
  if (!address) throw new Error('no contract was deployed')
  const anchor = async (logId: Hex, size: number, proof: Hex[]) =>
    sent(
      await wallet.writeContract({
        address,
        abi,
        functionName: 'anchor',
        args: [logId, BigInt(size), await rootHex(size), proof],
      }),
    )
  const register = async (origin: string): Promise<Hex> => {
    await sent(await wallet.writeContract({ address, abi, functionName: 'register', args: [origin] }))
    return keccak256(stringToHex(origin))
  }

  return {
    async anchorFrom(from: number, size: number) {
      const logId = await register(`anchor ${from} ${size}`)
      await anchor(logId, from, [])
      const proof = hex(await consistencyProof(from, size, log))
      const receipt = await anchor(logId, size, proof)
      return { from, hashes: proof.length, transactionGas: Number(receipt.gasUsed) }
    },
    async includeFirst(size: number) {
      const logId = await register(`inclusion ${size}`)
      await anchor(logId, size, [])
      const proof = hex(await inclusionProof(0, size, log))
      const args = [logId, BigInt(size), 0n, toHex(uniformLeaf), proof] as const
      const included = await reader.readContract({ address, abi, functionName: 'verifyInclusion', args })
      if (!included) throw new Error('a good proof was refused')
      const data = encodeFunctionData({ abi, functionName: 'verifyInclusion', args })
      const probe: Address = '0x00000000000000000000000000000000000ca11e'
      const stateOverride = [{ address: probe, code: gasProbe(address) }]
      const { data: used = '0x' } = await reader.call({ to: probe, data, stateOverride })
      return {
        hashes: proof.length,
        callGas: Number(BigInt(used)),
        transactionGas: Number(await reader.estimateGas({ account, to: address, data })),
      }
    },
  }
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
