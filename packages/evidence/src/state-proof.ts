import { decodeHeader, HeaderError } from './header.ts'
import { bytesToHex, hexToBytes, sameBytes } from './hex.ts'
import { keccak256 } from './keccak.ts'
import { decodeRlp, RlpError } from './rlp.ts'
import { TrieError, trieLookup } from './trie-lookup.ts'

/** An EIP-1186 proof of one storage slot, with the header of the block that it is about. */
export interface StateProof {
  header: Uint8Array
  account: readonly Uint8Array[]
  storage: readonly Uint8Array[]
}

/** What a state proof showed. */
export interface ProvenSlot {
  blockNumber: number
  /** Unix seconds of the block. */
  blockTime: number
  /** The slot's 32 bytes; all zero when the proof shows that nothing is stored. */
  value: Uint8Array
  /** Keccak-256 of the contract's code, lower-case `0x…`. */
  codeHash: string
}

/** Why a state proof fails. */
export class StateProofError extends Error {
  override readonly name = 'StateProofError'
  readonly code: 'bad_header' | 'wrong_block' | 'bad_account' | 'no_account' | 'bad_storage'

  constructor(code: StateProofError['code'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/**
 * Proves what a contract (20 bytes) held in a slot (32 bytes) after the block with this hash (EIP-1186):
 * header → state root → account → storage root → value. Throws StateProofError.
 */
export function verifyStateProof(
  proof: StateProof,
  at: { blockHash: string; contract: Uint8Array; slot: Uint8Array },
): ProvenSlot {
  const header = readHeader(proof.header)
  if (header.hash !== at.blockHash) {
    throw new StateProofError('wrong_block', `the header hashes to ${header.hash}, not to ${at.blockHash}`)
  }
  const account = lookup('bad_account', header.stateRoot, at.contract, proof.account)
  if (account === undefined) {
    throw new StateProofError('no_account', `there is no account ${bytesToHex(at.contract)} in this block`)
  }
  const { storageRoot, codeHash } = readAccount(account)
  const stored = lookup('bad_storage', storageRoot, at.slot, proof.storage)
  return {
    blockNumber: header.number,
    blockTime: header.timestamp,
    value: stored === undefined ? new Uint8Array(32) : slotValue(stored),
    codeHash: bytesToHex(codeHash),
  }
}

/**
 * The storage slot of `roots[logId][size]`, a `mapping(bytes32 => mapping(uint256 => bytes32))` in slot 0:
 * keccak256(abi.encode(uint256(size), keccak256(abi.encode(logId, uint256(0))))).
 */
export function rootSlot(logId: Uint8Array, size: number): Uint8Array {
  const outer = keccak256(Buffer.concat([logId, word(0)]))
  return keccak256(Buffer.concat([word(size), outer]))
}

/** The contract's name for a log: keccak256 of its origin. */
export function logIdOf(origin: string): Uint8Array {
  return keccak256(Buffer.from(origin, 'utf8'))
}

/** A non-negative safe integer as a 32-byte ABI word. */
export function word(value: number): Uint8Array {
  return hexToBytes(`0x${value.toString(16).padStart(64, '0')}`)
}

function readHeader(bytes: Uint8Array) {
  try {
    return decodeHeader(bytes)
  } catch (error) {
    if (error instanceof HeaderError) throw new StateProofError('bad_header', error.message, { cause: error })
    throw error
  }
}

/** The state and storage tries are keyed by Keccak-256 of the address or slot. */
function lookup(
  code: 'bad_account' | 'bad_storage',
  root: Uint8Array,
  key: Uint8Array,
  nodes: readonly Uint8Array[],
): Uint8Array | undefined {
  try {
    return trieLookup(root, keccak256(key), nodes)
  } catch (error) {
    if (error instanceof TrieError) throw new StateProofError(code, error.message, { cause: error })
    throw error
  }
}

/** An account is `[nonce, balance, storageRoot, codeHash]`. */
function readAccount(account: Uint8Array): { storageRoot: Uint8Array; codeHash: Uint8Array } {
  const items = decode('bad_account', account)
  const [, , storageRoot, codeHash] = items instanceof Uint8Array ? [] : items
  if (items.length !== 4 || !isHash(storageRoot) || !isHash(codeHash)) {
    throw new StateProofError('bad_account', 'the account has no storage root and code hash')
  }
  return { storageRoot, codeHash }
}

function isHash(item: unknown): item is Uint8Array {
  return item instanceof Uint8Array && item.length === 32
}

/** A slot holds the RLP of its value without leading zeros; zero itself is never stored. */
function slotValue(stored: Uint8Array): Uint8Array {
  const value = decode('bad_storage', stored)
  if (!(value instanceof Uint8Array) || value.length === 0 || value.length > 32 || value[0] === 0) {
    throw new StateProofError('bad_storage', 'the slot does not hold a word')
  }
  const padded = new Uint8Array(32)
  padded.set(value, 32 - value.length)
  return padded
}

function decode(code: 'bad_account' | 'bad_storage', bytes: Uint8Array) {
  try {
    return decodeRlp(bytes)
  } catch (error) {
    if (error instanceof RlpError) throw new StateProofError(code, error.message, { cause: error })
    throw error
  }
}

/** Whether a proven slot holds this 32-byte root. A zero root is what an empty slot holds, so it never counts. */
export function holdsRoot(slot: ProvenSlot, root: Uint8Array): boolean {
  return root.some((byte) => byte !== 0) && sameBytes(slot.value, root)
}
