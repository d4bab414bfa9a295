import { z } from 'zod'
import { ChainError } from './chain-error.ts'
import type { FeeMarket } from './fees.ts'
import type { Rpc } from './rpc.ts'

/** A 32-byte hash or an address, as JSON-RPC spells it. */
export type Hex = `0x${string}`

/** A block, as far as anchoring needs it. */
export interface BlockHead {
  number: number
  hash: Hex
  /** Wei for a unit of gas. */
  baseFee: bigint
}

/** What became of a mined transaction. Fees are in wei. */
export interface TransactionReceipt {
  succeeded: boolean
  block: { number: number; hash: Hex }
  gasUsed: number
  effectiveGasPrice: bigint
  /** The contract that the transaction created. */
  contract: Hex | undefined
}

/** An account's next nonces: by the latest block, and with the transactions that wait in the node's pool. */
export interface Nonces {
  latest: number
  pending: number
}

const hex = z
  .string()
  .regex(/^0x[0-9a-f]*$/i)
  .transform((text) => text.toLowerCase() as Hex)
const hash = hex.refine((text) => text.length === 66)
const quantity = z
  .string()
  .regex(/^0x[0-9a-f]{1,64}$/i)
  .transform(BigInt)
const count = quantity.refine((value) => value <= BigInt(Number.MAX_SAFE_INTEGER)).transform(Number)

const block = z
  .looseObject({ number: count, hash, baseFeePerGas: quantity.optional() })
  .transform(({ number, hash, baseFeePerGas }): BlockHead => ({ number, hash, baseFee: baseFeePerGas ?? 0n }))

const receipt = z.object({
  transactionHash: hash,
  status: z.enum(['0x0', '0x1']),
  blockNumber: count,
  blockHash: hash,
  gasUsed: count,
  effectiveGasPrice: quantity,
  contractAddress: hex.nullish(),
})

const logEntry = z.object({ transactionHash: hash, removed: z.boolean().optional() })

/** What anchoring reads from a chain, apart from the contract's own views. All of it may throw ChainError. */
export function chainReads(rpc: Rpc) {
  const blockBy = (method: string, key: string, accept: (found: BlockHead) => boolean) =>
    rpc.request(method, [key, false], block.nullable(), (found) => found === null || accept(found))

  return {
    async latest(): Promise<BlockHead> {
      const found = await rpc.request('eth_getBlockByNumber', ['latest', false], block.nullable(), Boolean)
      if (found === null) throw new ChainError('unreachable', 'the chain has no block')
      return found
    },

    /** The last block that the chain's own finality covers; undefined while there is none. */
    async finalized(): Promise<BlockHead | undefined> {
      return (await blockBy('eth_getBlockByNumber', 'finalized', () => true)) ?? undefined
    },

    async blockAt(number: number): Promise<BlockHead | undefined> {
      const found = await blockBy(
        'eth_getBlockByNumber',
        toQuantity(number),
        (block) => block.number === number,
      )
      return found ?? undefined
    },

    /** The hash that each URL which answers gives for a block: nodes of one chain must agree on a final one. */
    async hashesAt(number: number): Promise<Hex[]> {
      const answers = await rpc.requestAll(
        'eth_getBlockByNumber',
        [toQuantity(number), false],
        block.nullable(),
      )
      return answers.flatMap((answer) => answer?.hash ?? [])
    },

    /** A block with all its header fields, as the node tells it. */
    rawBlock(blockHash: string): Promise<Record<string, unknown> | null> {
      const schema = z.record(z.string(), z.unknown()).nullable()
      const accept = (found: Record<string, unknown> | null) => found === null || found['hash'] === blockHash
      return rpc.request('eth_getBlockByHash', [blockHash, false], schema, accept)
    },

    async nonces(account: string): Promise<Nonces> {
      const latest = await rpc.request('eth_getTransactionCount', [account, 'latest'], count)
      const pending = await rpc.request('eth_getTransactionCount', [account, 'pending'], count)
      return { latest, pending: Math.max(latest, pending) }
    },

    /** In wei. */
    balance(account: string): Promise<bigint> {
      return rpc.request('eth_getBalance', [account, 'latest'], quantity)
    },

    /** The fees that the next block asks for. */
    async feeMarket(at: BlockHead): Promise<FeeMarket> {
      return { baseFee: at.baseFee, tip: await rpc.request('eth_maxPriorityFeePerGas', [], quantity) }
    },

    /** Whether the node has the transaction, waiting or mined. */
    async knows(transaction: string): Promise<boolean> {
      const schema = z.object({ hash }).nullable()
      const accept = (found: { hash: Hex } | null) => found === null || found.hash === transaction
      return (await rpc.request('eth_getTransactionByHash', [transaction], schema, accept)) !== null
    },

    /** Undefined while the transaction is in no block of the chain as the node knows it. */
    async receipt(transaction: string): Promise<TransactionReceipt | undefined> {
      const found = await rpc.request(
        'eth_getTransactionReceipt',
        [transaction],
        receipt.nullable(),
        (found) => found === null || found.transactionHash === transaction,
      )
      if (found === null) return undefined
      return {
        succeeded: found.status === '0x1',
        block: { number: found.blockNumber, hash: found.blockHash },
        gasUsed: found.gasUsed,
        effectiveGasPrice: found.effectiveGasPrice,
        contract: found.contractAddress ?? undefined,
      }
    },

    /** The result of a call, in the state after the block with this hash or, without one, after the latest. */
    call(to: string, data: Hex, blockHash?: string): Promise<Hex> {
      const at = blockHash === undefined ? 'latest' : { blockHash }
      return rpc.request('eth_call', [{ to, data }, at], hex)
    },

    code(account: string, blockHash: string): Promise<Hex> {
      return rpc.request('eth_getCode', [account, { blockHash }], hex)
    },

    estimateGas(transaction: { from: string; to?: string; data: Hex }): Promise<number> {
      // Not in the pending state, where a transaction that waits to be replaced has already happened.
      return rpc.request('eth_estimateGas', [transaction, 'latest'], count)
    },

    /** The transactions that logged an event with these topics, oldest first. */
    async transactionsLogging(contract: string, topics: readonly (Hex | null)[]): Promise<Hex[]> {
      const filter = { address: contract, topics, fromBlock: '0x0', toBlock: 'latest' }
      const found = await rpc.request('eth_getLogs', [filter], z.array(logEntry))
      return found.filter((entry) => entry.removed !== true).map((entry) => entry.transactionHash)
    },

    /** EIP-1186: the account's and one slot's proof in the state after a block. */
    async accountProof(
      account: string,
      slot: Hex,
      blockHash: string,
    ): Promise<{ account: Hex[]; storage: Hex[] }> {
      const schema = z.object({
        accountProof: z.array(hex),
        storageProof: z.array(z.object({ proof: z.array(hex) })).length(1),
      })
      const found = await rpc.request('eth_getProof', [account, [slot], { blockHash }], schema)
      return { account: found.accountProof, storage: found.storageProof[0]?.proof ?? [] }
    },

    /** Hands a signed transaction to a node; the same bytes twice are one transaction. */
    sendRaw(raw: Hex): Promise<Hex> {
      return rpc.request('eth_sendRawTransaction', [raw], hash)
    },
  }
}

function toQuantity(number: number): Hex {
  return `0x${number.toString(16)}`
}
