/** Why a tree, tile, checkpoint or proof was refused. */
export type MerkleErrorCode =
  | 'bad_hash'
  | 'bad_size'
  | 'bad_index'
  | 'bad_tile'
  | 'bad_tile_path'
  | 'bad_bundle'
  | 'bad_checkpoint'
  | 'bad_tlog_proof'

/** A refusal by a parser or a builder of this package; verification functions answer `false` instead of throwing it. */
export class MerkleError extends Error {
  readonly code: MerkleErrorCode

  constructor(code: MerkleErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'MerkleError'
    this.code = code
  }
}
