import { bytesToHex, hexToBytes } from './hex.ts'
import { keccak256 } from './keccak.ts'
import { decodeRlp, encodeRlp, RlpError } from './rlp.ts'

/** What a state proof needs from a block header. */
export interface Header {
  /** Keccak-256 of the header's RLP, lower-case `0x…`. */
  hash: string
  stateRoot: Uint8Array
  number: number
  /** Unix seconds that the block's producer wrote. */
  timestamp: number
}

/** Why a block header cannot be read or rebuilt. */
export class HeaderError extends Error {
  override readonly name = 'HeaderError'
}

const stateRootAt = 3
const numberAt = 8
const timestampAt = 11
const leastItems = 15 // until London; later forks only append

/** Reads an execution block header from its RLP. Throws HeaderError. */
export function decodeHeader(rlp: Uint8Array): Header {
  let items
  try {
    items = decodeRlp(rlp)
  } catch (error) {
    if (error instanceof RlpError) {
      throw new HeaderError(`the header is not RLP: ${error.message}`, { cause: error })
    }
    throw error
  }
  if (items instanceof Uint8Array || items.length < leastItems) throw new HeaderError('not a block header')
  const stateRoot = items[stateRootAt]
  if (!(stateRoot instanceof Uint8Array) || stateRoot.length !== 32) {
    throw new HeaderError('the header has no state root')
  }
  return {
    hash: bytesToHex(keccak256(rlp)),
    stateRoot,
    number: integer(items[numberAt], 'number'),
    timestamp: integer(items[timestampAt], 'timestamp'),
  }
}

/** A block as `eth_getBlockByHash` gives it; only header fields are read. */
export type RpcBlock = { readonly [field: string]: unknown }

type Kind = 'data' | 'quantity'

// In header order; those after `nonce` came with London, Shanghai, Cancun, Prague and Amsterdam.
const fields: readonly (readonly [name: string, kind: Kind, since?: 'later'])[] = [
  ['parentHash', 'data'],
  ['sha3Uncles', 'data'],
  ['miner', 'data'],
  ['stateRoot', 'data'],
  ['transactionsRoot', 'data'],
  ['receiptsRoot', 'data'],
  ['logsBloom', 'data'],
  ['difficulty', 'quantity'],
  ['number', 'quantity'],
  ['gasLimit', 'quantity'],
  ['gasUsed', 'quantity'],
  ['timestamp', 'quantity'],
  ['extraData', 'data'],
  ['mixHash', 'data'],
  ['nonce', 'data'],
  ['baseFeePerGas', 'quantity', 'later'],
  ['withdrawalsRoot', 'data', 'later'],
  ['blobGasUsed', 'quantity', 'later'],
  ['excessBlobGas', 'quantity', 'later'],
  ['parentBeaconBlockRoot', 'data', 'later'],
  ['requestsHash', 'data', 'later'],
  ['blockAccessListHash', 'data', 'later'],
  ['slotNumber', 'quantity', 'later'],
]

/**
 * Rebuilds the header RLP of a block from its JSON-RPC form, whichever fork it belongs to, and checks that
 * its Keccak-256 is the block's `hash`. Throws HeaderError when it is not: then the chain has header fields
 * that are unknown here, or the node lies.
 */
export function headerRlp(block: RpcBlock): Uint8Array {
  const items: Uint8Array[] = []
  for (const [name, kind, since] of fields) {
    const value = block[name]
    if (since === 'later' && (value === undefined || value === null)) continue
    items.push(fieldBytes(name, kind, value))
  }
  const rlp = encodeRlp(items)
  const hash = bytesToHex(keccak256(rlp))
  if (block['hash'] !== hash) {
    throw new HeaderError(`the rebuilt header hashes to ${hash}, the block to ${String(block['hash'])}`)
  }
  return rlp
}

function fieldBytes(name: string, kind: Kind, value: unknown): Uint8Array {
  if (typeof value !== 'string') throw new HeaderError(`the block has no ${name}`)
  const text = value.toLowerCase()
  try {
    if (kind === 'data') return hexToBytes(text)
    const digits = text.replace(/^0x0*/, '')
    return hexToBytes(`0x${digits.length % 2 === 0 ? '' : '0'}${digits}`)
  } catch (error) {
    throw new HeaderError(`the block's ${name} is not hex`, { cause: error })
  }
}

function integer(item: unknown, name: string): number {
  if (!(item instanceof Uint8Array) || item.length > 6 || item[0] === 0) {
    throw new HeaderError(`the header's ${name} is not an integer in range`)
  }
  return item.reduce((sum, byte) => sum * 256 + byte, 0)
}
