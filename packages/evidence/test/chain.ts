import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { z } from 'zod'
import { rpc } from '../src/cli/rpc.ts'
import { bytesToHex } from '../src/hex.ts'

/** A real EVM chain on a free loopback port, ended with `stop`. */
export interface Chain {
  url: string
  stop: () => Promise<void>
}

/** Starts anvil. `args` such as `['--hardfork', 'london']`. */
export async function startChain(args: readonly string[] = []): Promise<Chain> {
  const folder = path.dirname(createRequire(import.meta.url).resolve('@foundry-rs/anvil/package.json'))
  const binary = path.join(folder, '../../.bin/anvil')
  const child = spawn(binary, ['--host', '127.0.0.1', '--port', '0', ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const lines = createInterface({ input: child.stdout })
  for await (const line of lines) {
    const port = /Listening on 127\.0\.0\.1:(\d+)/.exec(line)?.[1]
    if (port !== undefined) {
      child.stdout.resume()
      const ended = once(child, 'exit')
      return {
        url: `http://127.0.0.1:${port}`,
        stop: async () => {
          child.kill()
          await ended
        },
      }
    }
  }
  throw new Error('anvil ended before it listened')
}

const receiptSchema = z.object({
  status: z.literal('0x1'),
  contractAddress: z.string().nullable(),
  blockHash: z.string(),
  transactionHash: z.string(),
})

/** Sends a transaction from anvil's first account and gives its receipt. */
export async function send(chain: Chain, transaction: { to?: string; data: string }) {
  const [from] = z.array(z.string()).parse(await rpc(chain.url, 'eth_accounts', []))
  const hash = await rpc(chain.url, 'eth_sendTransaction', [{ from, gas: '0x200000', ...transaction }])
  for (let attempt = 0; attempt < 100; attempt++) {
    const receipt = await rpc(chain.url, 'eth_getTransactionReceipt', [hash])
    if (receipt !== null) return receiptSchema.parse(receipt)
    await rpc(chain.url, 'evm_mine', [])
  }
  throw new Error('the transaction was not mined')
}

// calldata of 64 bytes: SSTORE(key, value). Anything else: rootOf(bytes32,uint256) over the mapping in slot 0.
const storeRuntime = '366040146023576004355f5260405f206020526024355f5260405f20545f5260205ff35b6020355f355500'

/** Deploys a contract that stores any word in any slot, and answers `rootOf` as the registry does. */
export async function deployStore(chain: Chain): Promise<string> {
  const { contractAddress } = await send(chain, { data: `0x602b8060095f395ff3${storeRuntime}` })
  return z.string().parse(contractAddress).toLowerCase()
}

/** Stores a word; gives the transaction and block that did. */
export async function storeWord(chain: Chain, contract: string, slot: Uint8Array, value: Uint8Array) {
  const data = bytesToHex(Buffer.concat([slot, value]))
  return await send(chain, { to: contract, data })
}

const proofSchema = z.object({
  accountProof: z.array(z.string()),
  storageProof: z.array(z.object({ proof: z.array(z.string()) })).length(1),
})

/** `eth_getProof` of one slot after a block, and that block as JSON-RPC gives it. */
export async function getProof(chain: Chain, contract: string, slot: Uint8Array, blockHash: string) {
  const block = z
    .looseObject({ hash: z.string(), number: z.string() })
    .parse(await rpc(chain.url, 'eth_getBlockByHash', [blockHash, false]))
  const proof = proofSchema.parse(
    await rpc(chain.url, 'eth_getProof', [contract, [bytesToHex(slot)], block.number]),
  )
  return { block, account: proof.accountProof, storage: proof.storageProof[0]?.proof ?? [] }
}
