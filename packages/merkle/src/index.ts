export { HASH_BYTES, emptyRoot, isHash, leafHash, nodeHash, sameHash } from './hash.ts'
export { MerkleError, type MerkleErrorCode } from './merkle-error.ts'
export { type Node } from './shape.ts'
export { treeRoot, unionHash, type HashSource } from './hash-source.ts'
export {
  appendLeaf,
  emptyFrontier,
  frontierFrom,
  frontierRoot,
  type Frontier,
  type NodeVisitor,
} from './frontier.ts'
export {
  inclusionNodes,
  inclusionProof,
  rootFromInclusion,
  verifyInclusion,
  type InclusionClaim,
} from './inclusion.ts'
export {
  consistencyNodes,
  consistencyProof,
  verifyConsistency,
  type ConsistencyClaim,
} from './consistency.ts'
export { TILE_HEIGHT, TILE_WIDTH, entriesPath, parseTilePath, tilePath, type TileId } from './tile-path.ts'
export { tileSource, tileWidth, tilesFor, type ReadTile } from './tiles.ts'
export { decodeEntryBundle, encodeEntryBundle } from './entry-bundle.ts'
export { NoteError, type NoteErrorCode } from './note-error.ts'
export {
  formatVerifierKey,
  noteAlgorithms,
  noteKeyId,
  parseVerifierKey,
  type NoteAlgorithm,
  type VerifierKey,
} from './verifier-key.ts'
export { addSignatures, formatNote, parseNote, type Note, type NoteSignature } from './note.ts'
export { signNote, type NoteSigner } from './sign-note.ts'
export { verifyNote, type OpenedNote, type Signer } from './verify-note.ts'
export { cosign } from './cosignature.ts'
export { formatCheckpoint, parseCheckpoint, type Checkpoint } from './checkpoint.ts'
export { formatTlogProof, formatTlogProofHead, parseTlogProof, type TlogProof } from './tlog-proof.ts'
export { rangeProof, verifyRange, type RangeClaim } from './range-proof.ts'
export { multiInclusionProof, verifyMultiInclusion, type MultiInclusionClaim } from './multi-inclusion.ts'
export { MemoryTree } from './memory-tree.ts'
export { appendToTiles, type Tile, type TreeHead } from './append-to-tiles.ts'
export { formatSignerKey, parseSignerKey, signerFromSeed, type LocalSigner } from './signer-key.ts'
export { openCheckpoint, type CheckpointTrust, type Witness } from './open-checkpoint.ts'
export { verifyTlogProof, type ProvenEntry } from './verify-tlog-proof.ts'
