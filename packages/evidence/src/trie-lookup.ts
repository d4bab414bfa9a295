import { sameBytes } from './hex.ts'
import { keccak256 } from './keccak.ts'
import { decodeRlp, encodeRlp, RlpError } from './rlp.ts'
import type { RlpItem } from './rlp.ts'

/** Why a list of nodes does not prove anything about a key. */
export class TrieError extends Error {
  override readonly name = 'TrieError'
  readonly code: 'bad_node' | 'wrong_hash' | 'proof_ended' | 'proof_too_long'

  constructor(code: TrieError['code'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

type Step = { value: Uint8Array | undefined } | { child: RlpItem; path: number[] }

/**
 * Follows a Merkle-Patricia proof from a 32-byte root to a key (Yellow Paper, appendix D). Gives the value,
 * or undefined when the nodes prove that the key is absent. Throws TrieError when they prove neither, and
 * also when a node is left over: an honest proof has none.
 */
export function trieLookup(
  root: Uint8Array,
  key: Uint8Array,
  nodes: readonly Uint8Array[],
): Uint8Array | undefined {
  if (sameBytes(root, emptyTrieRoot) && nodes.length === 0) return undefined
  let path = nibbles(key)
  let reference: RlpItem = root
  let used = 0
  for (;;) {
    let node: RlpItem
    if (reference instanceof Uint8Array) {
      const bytes = nodes[used++]
      if (bytes === undefined) throw new TrieError('proof_ended', 'the proof ends before the key does')
      if (!sameBytes(keccak256(bytes), reference)) {
        throw new TrieError('wrong_hash', `node ${used - 1} does not have the hash that its parent names`)
      }
      node = decodeNode(bytes)
    } else {
      // A node shorter than a hash stands inside its parent; some clients list it in the proof again.
      const encoded = encodeRlp(reference)
      if (encoded.length >= 32) throw new TrieError('bad_node', 'an embedded node is as long as a hash')
      const listed = nodes[used]
      if (listed !== undefined && sameBytes(listed, encoded)) used++
      node = reference
    }
    const step = descend(node, path)
    if ('value' in step) {
      if (used !== nodes.length) throw new TrieError('proof_too_long', 'nodes are left over')
      return step.value
    }
    reference = step.child
    path = step.path
  }
}

/** Keccak-256 of the empty string's RLP: the root of a trie without keys. */
export const emptyTrieRoot = keccak256(Uint8Array.of(0x80))

function decodeNode(bytes: Uint8Array): RlpItem {
  try {
    return decodeRlp(bytes)
  } catch (error) {
    if (error instanceof RlpError) {
      throw new TrieError('bad_node', `a node is not RLP: ${error.message}`, { cause: error })
    }
    throw error
  }
}

function descend(node: RlpItem, path: number[]): Step {
  if (node instanceof Uint8Array) {
    if (node.length === 0) return { value: undefined }
    throw new TrieError('bad_node', 'a node is not a list')
  }
  if (node.length === 17) return descendBranch(node, path)
  if (node.length === 2) return descendShort(node, path)
  throw new TrieError('bad_node', `a node has ${node.length} items`)
}

function descendBranch(node: RlpItem[], path: number[]): Step {
  const [first, ...rest] = path
  if (first === undefined) {
    const value = node[16]
    if (!(value instanceof Uint8Array)) throw new TrieError('bad_node', "a branch's value is a list")
    return { value: value.length === 0 ? undefined : value }
  }
  return follow(node[first], rest)
}

function descendShort(node: RlpItem[], path: number[]): Step {
  const [encodedPath, target] = node
  if (!(encodedPath instanceof Uint8Array)) throw new TrieError('bad_node', 'a path is a list')
  const { leaf, part } = decodePath(encodedPath)
  const matches = part.every((nibble, index) => nibble === path[index])
  const rest = path.slice(part.length)
  if (leaf) {
    if (!(target instanceof Uint8Array)) throw new TrieError('bad_node', "a leaf's value is a list")
    return { value: matches && rest.length === 0 ? target : undefined }
  }
  // An extension that consumes nothing would let a proof of bounded length go nowhere.
  if (part.length === 0) throw new TrieError('bad_node', 'an extension has an empty path')
  if (!matches) return { value: undefined }
  const step = follow(target, rest)
  if ('value' in step) throw new TrieError('bad_node', 'an extension leads nowhere')
  return step
}

function follow(child: RlpItem | undefined, path: number[]): Step {
  if (child === undefined) throw new TrieError('bad_node', 'a child is missing')
  if (!(child instanceof Uint8Array)) return { child, path }
  if (child.length === 0) return { value: undefined }
  if (child.length !== 32) throw new TrieError('bad_node', `a child has ${child.length} bytes`)
  return { child, path }
}

/** Hex-prefix encoding (Yellow Paper, appendix C): the first nibble says leaf or extension, odd or even. */
function decodePath(bytes: Uint8Array): { leaf: boolean; part: number[] } {
  const [flag, second, ...rest] = nibbles(bytes)
  if (flag === undefined || second === undefined || flag > 3) {
    throw new TrieError('bad_node', 'a path has no known prefix')
  }
  const odd = flag % 2 === 1
  if (!odd && second !== 0) throw new TrieError('bad_node', 'an even path has a stray nibble')
  return { leaf: flag >= 2, part: odd ? [second, ...rest] : rest }
}

function nibbles(bytes: Uint8Array): number[] {
  return Array.from(bytes).flatMap((byte) => [byte >> 4, byte & 15])
}
