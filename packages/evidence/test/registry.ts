import { z } from 'zod'
import { anchorRegistryBytecode } from '../../../contracts/index.ts'
import { bytesToHex } from '../src/hex.ts'
import { keccak256 } from '../src/keccak.ts'
import { logIdOf, word } from '../src/state-proof.ts'
import { send } from './chain.ts'
import type { Chain } from './chain.ts'
import type { Log } from './log.ts'

/** Deploys the real AnchorRegistry and registers the log in its constructor. */
export async function deployRegistry(chain: Chain, origin: string): Promise<string> {
  const name = Buffer.from(origin)
  const padding = new Uint8Array((32 - (name.length % 32)) % 32)
  const data = bytesToHex(Buffer.concat([word(32), word(name.length), name, padding]))
  const { contractAddress } = await send(chain, { data: `${anchorRegistryBytecode}${data.slice(2)}` })
  return z.string().parse(contractAddress).toLowerCase()
}

/** Anchors the head of `size` leaves after the one of `previous` (0 for the first); gives where it was mined. */
export async function anchorOnChain(
  chain: Chain,
  contract: string,
  log: Log,
  previous: number,
  size: number,
) {
  const proof = previous === 0 ? [] : await log.consistency(previous, size)
  const selector = keccak256(Buffer.from('anchor(bytes32,uint256,bytes32,bytes32[])')).subarray(0, 4)
  const words = [
    logIdOf(log.origin),
    word(size),
    await log.root(size),
    word(4 * 32),
    word(proof.length),
    ...proof,
  ]
  return await send(chain, { to: contract, data: bytesToHex(Buffer.concat([selector, ...words])) })
}
