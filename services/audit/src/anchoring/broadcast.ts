import type { ChainClient } from '../chain.ts'
import { ChainError } from './chain-error.ts'

/**
 * What a node said to a transaction. `underpriced` covers a fee below the base fee, below the node's least, and too near
 * to that of the transaction it would replace: more pay cures all three.
 */
export type BroadcastResult =
  | { result: 'accepted' | 'nonce_used' | 'underpriced' | 'insufficient_funds' }
  | { result: 'rejected'; message: string }

// The words of geth, Nethermind, Erigon, Besu, reth and anvil.
const answers = [
  ['accepted', /already known|already imported|known transaction|already in (the )?(pool|mempool)/i],
  ['nonce_used', /nonce.{0,20}too low|old ?nonce|nonce.{0,20}(used|below)/i],
  ['insufficient_funds', /insufficient (funds|balance)|exceeds (the )?(account )?balance/i],
  ['underpriced', /underpriced|fee.{0,40}(too low|less than|below)|gas price.{0,20}too low|feetoolow/i],
] as const

/** Broadcasts a signed transaction. Throws ChainError `unreachable`: then a node may have it or not. */
export async function broadcast(
  chain: Pick<ChainClient, 'sendRaw'>,
  raw: Uint8Array,
): Promise<BroadcastResult> {
  try {
    await chain.sendRaw(`0x${Buffer.from(raw).toString('hex')}`)
    return { result: 'accepted' }
  } catch (error) {
    if (!(error instanceof ChainError) || error.code !== 'rejected') throw error
    return refusalMeans(error.message)
  }
}

/** What a node's words mean; they are all that nodes tell. */
export function refusalMeans(message: string): BroadcastResult {
  const known = answers.find(([, words]) => words.test(message))
  return known === undefined ? { result: 'rejected', message } : { result: known[0] }
}
