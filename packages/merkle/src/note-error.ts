/** Why a signed note or a verifier key was refused. */
export type NoteErrorCode =
  | 'malformed_note'
  | 'malformed_key'
  | 'unknown_algorithm'
  | 'ambiguous_key'
  | 'bad_signature'
  | 'no_known_signature'

/** A refusal to parse, sign or open a signed note. */
export class NoteError extends Error {
  readonly code: NoteErrorCode

  constructor(code: NoteErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'NoteError'
    this.code = code
  }
}
