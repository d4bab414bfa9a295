import { appendLeaf, emptyFrontier, frontierRoot } from './frontier.ts'
import { MerkleError } from './merkle-error.ts'

/** A whole tree in memory: every full subtree's hash, by level. For clients, tests and batches; a log keeps tiles instead. */
export class MemoryTree {
  readonly #frontier = emptyFrontier()
  readonly #levels: Uint8Array[][] = []

  constructor(leafHashes: Iterable<Uint8Array> = []) {
    for (const leaf of leafHashes) this.append(leaf)
  }

  /** The number of leaves. */
  get size(): number {
    return this.#frontier.size
  }

  /** The root over all leaves so far. */
  get root(): Uint8Array {
    return frontierRoot(this.#frontier)
  }

  /** Adds a leaf by its hash and gives its index. */
  append(leafHash: Uint8Array): number {
    appendLeaf(this.#frontier, leafHash, (level, _, hash) => (this.#levels[level] ??= []).push(hash))
    return this.#frontier.size - 1
  }

  /** The hashes of the full subtrees: a `HashSource` for proofs at the present size and all smaller ones. */
  readonly source = (level: number, index: number): Uint8Array => {
    const hash = this.#levels[level]?.[index]
    if (hash === undefined)
      throw new MerkleError('bad_index', `the tree has no full subtree ${level}/${index}`)
    return hash
  }
}
