import { formatNote } from './note.ts'

/** A key that signs notes: a local private key, or a key service behind `sign`. `keyId` is what `noteKeyId` gives. */
export interface NoteSigner {
  readonly name: string
  readonly keyId: string
  sign(message: Uint8Array): Promise<Uint8Array> | Uint8Array
}

/** Signs a text that ends in a newline with each of the keys, in this order, and gives the note. Throws `malformed_note`. */
export async function signNote(text: string, ...signers: readonly NoteSigner[]): Promise<string> {
  const message = Buffer.from(text)
  const signatures = await Promise.all(
    signers.map(async (key) => ({ name: key.name, keyId: key.keyId, signature: await key.sign(message) })),
  )
  return formatNote(text, signatures)
}
