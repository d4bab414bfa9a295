import { rootFromInclusion } from './inclusion.ts'
import { leafHash, sameHash } from './hash.ts'
import { MerkleError } from './merkle-error.ts'
import { openCheckpoint, type CheckpointTrust, type Witness } from './open-checkpoint.ts'
import { parseTlogProof } from './tlog-proof.ts'

/** What a tlog-proof has proven of an entry. `extra` is still nobody's word. */
export interface ProvenEntry {
  readonly origin: string
  readonly index: number
  readonly size: number
  readonly root: Uint8Array
  readonly witnesses: readonly Witness[]
  readonly extra?: Uint8Array
}

/**
 * Checks a `.tlog-proof` file against an entry's bytes and the keys that the caller trusts, without any network. Throws
 * `NoteError` when the checkpoint is not the log's, `MerkleError` `bad_tlog_proof` when the entry is not at that place in it.
 */
export function verifyTlogProof(text: string, entry: Uint8Array, trust: CheckpointTrust): ProvenEntry {
  const { extra, index, proof, checkpoint } = parseTlogProof(text)
  const { origin, size, root, witnesses } = openCheckpoint(checkpoint, trust)
  const found = rootFromInclusion({ index, size, leafHash: leafHash(entry), proof })
  if (!found || !sameHash(found, root))
    throw new MerkleError('bad_tlog_proof', 'the entry is not in the checkpoint')
  return { origin, index, size, root, witnesses, ...(extra && { extra }) }
}
