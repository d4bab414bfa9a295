import { bytesToHex, hexToBytes } from '../hex.ts'
import { keccak256 } from '../keccak.ts'
import { logIdOf, word } from '../state-proof.ts'
import { codeAt, ethCall, RpcError } from './rpc.ts'

/** One AnchorRegistry that a node can be asked about. */
export interface Registry {
  url: string
  contract: string
  origin: string
}

/** The root that the registry stores for a size, 32 bytes; all zero for none. Throws RpcError. */
export async function rootOf(
  registry: Registry,
  size: number,
  at: 'latest' | 'finalized' = 'latest',
): Promise<Uint8Array> {
  const data = encodeCall('rootOf(bytes32,uint256)', [logIdOf(registry.origin), word(size)])
  const [root] = wordsOf(await ethCall(registry.url, registry.contract, data, at))
  if (root === undefined) throw new RpcError(`there is no anchor contract at ${registry.contract}`)
  return root
}

/** Keccak-256 of the code at the registry's address, lower-case `0x…`. Throws RpcError. */
export async function codeHashOf({ url, contract }: Pick<Registry, 'url' | 'contract'>): Promise<string> {
  return bytesToHex(keccak256(hexToBytes(await codeAt(url, contract))))
}

/** The log's last anchored head, or undefined before the first. Throws RpcError. */
export async function headOf(registry: Registry): Promise<{ size: number; root: Uint8Array } | undefined> {
  const data = encodeCall('head(bytes32)', [logIdOf(registry.origin)])
  const [size, root] = wordsOf(await ethCall(registry.url, registry.contract, data))
  if (size === undefined || root === undefined) {
    throw new RpcError(`there is no anchor contract at ${registry.contract}`)
  }
  const leaves = BigInt(bytesToHex(size))
  if (leaves > BigInt(Number.MAX_SAFE_INTEGER)) throw new RpcError('the anchored size is out of range')
  return leaves === 0n ? undefined : { size: Number(leaves), root }
}

/** The contract's own word on an inclusion proof against an anchored head. Throws RpcError when it has none. */
export async function isIncludedOnChain(
  registry: Registry,
  claim: { index: number; size: number; leafHash: Uint8Array; proof: readonly Uint8Array[] },
): Promise<boolean> {
  const data = encodeCall('verifyInclusion(bytes32,uint256,uint256,bytes32,bytes32[])', [
    logIdOf(registry.origin),
    word(claim.size),
    word(claim.index),
    claim.leafHash,
    word(5 * 32), // where the array begins, after the five words of the head
    word(claim.proof.length),
    ...claim.proof,
  ])
  const [answer] = wordsOf(await ethCall(registry.url, registry.contract, data))
  const value = answer === undefined ? undefined : BigInt(bytesToHex(answer))
  if (value !== 0n && value !== 1n) throw new RpcError('the contract does not check inclusion proofs')
  return value === 1n
}

function encodeCall(signature: string, words: readonly Uint8Array[]): string {
  return bytesToHex(Buffer.concat([keccak256(Buffer.from(signature)).subarray(0, 4), ...words]))
}

function wordsOf(hex: string): Uint8Array[] {
  const bytes = hexToBytes(hex)
  return Array.from({ length: Math.floor(bytes.length / 32) }, (_, at) => bytes.slice(at * 32, at * 32 + 32))
}
