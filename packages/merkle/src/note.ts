import { fromBase64, toBase64 } from './base64.ts'
import { NoteError } from './note-error.ts'
import { isKeyName } from './verifier-key.ts'

/** One line under a note: who signed, with which key (8 hex digits), and the bytes that the key's algorithm defines. */
export interface NoteSignature {
  readonly name: string
  readonly keyId: string
  readonly signature: Uint8Array
}

/** A signed note (C2SP signed-note) whose signatures nobody has checked yet. `text` ends in a newline. */
export interface Note {
  readonly text: string
  readonly signatures: readonly NoteSignature[]
}

/** A witness network needs 16 signatures at least; more than this is someone keeping us busy. */
const maxSignatures = 100
const maxNoteChars = 1_000_000

/** Splits a signed note at its last blank line. Throws `malformed_note` for anything but the canonical form. */
export function parseNote(note: string): Note {
  if (note.length > maxNoteChars || !isNoteText(note)) throw malformed('not the text of a note')
  const split = note.lastIndexOf('\n\n')
  if (split < 0 || !note.endsWith('\n')) throw malformed('no signatures behind a blank line')
  const lines = note.slice(split + 2, -1).split('\n')
  if (lines.length > maxSignatures) throw malformed(`more than ${maxSignatures} signatures`)
  return { text: note.slice(0, split + 1), signatures: lines.map(parseSignature) }
}

/** The note as text: `text`, a blank line, and a line per signature. Throws `malformed_note` for parts that would not parse back. */
export function formatNote(text: string, signatures: readonly NoteSignature[]): string {
  const lines = signatures.map(({ name, keyId, signature }) => {
    if (!/^[0-9a-f]{8}$/.test(keyId)) throw malformed('a key id has 8 hex digits')
    const bytes = Buffer.concat([Buffer.from(keyId, 'hex'), signature])
    return `— ${name} ${toBase64(bytes)}\n`
  })
  const note = `${text}\n${lines.join('')}`
  // Text without its newline, a name with a space, or no signature would move what was signed.
  if (!text.endsWith('\n') || parseNote(note).text !== text) throw malformed('not the text of a note')
  return note
}

/** The note with more lines under it; a key that signed already keeps its first signature. */
export function addSignatures(note: string, signatures: readonly NoteSignature[]): string {
  const parsed = parseNote(note)
  const fresh = signatures.filter(
    ({ name, keyId }) => !parsed.signatures.some((known) => known.name === name && known.keyId === keyId),
  )
  return formatNote(parsed.text, [...parsed.signatures, ...fresh])
}

function parseSignature(line: string): NoteSignature {
  const { name = '', base64 = '' } = /^— (?<name>[^ ]+) (?<base64>[^ ]+)$/.exec(line)?.groups ?? {}
  const bytes = fromBase64(base64)
  if (!isKeyName(name) || !bytes || bytes.length < 5) throw malformed('not a signature line')
  return { name, keyId: Buffer.from(bytes.subarray(0, 4)).toString('hex'), signature: bytes.slice(4) }
}

/** Notes are UTF-8 without control characters but newlines, so that what a person reads is what was signed. */
function isNoteText(text: string): boolean {
  // oxlint-disable-next-line no-control-regex -- control characters are what it looks for
  return text.isWellFormed() && !/[\u0000-\u0009\u000b-\u001f]/.test(text)
}

function malformed(message: string): NoteError {
  return new NoteError('malformed_note', message)
}
