import { addSignatures, parseNote } from './note.ts'
import { NoteError } from './note-error.ts'
import type { NoteSigner } from './sign-note.ts'
import { verifyEd25519 } from './verifier-key.ts'

/**
 * Adds a witness's line to a checkpoint's note (C2SP tlog-cosignature, cosignature/v1): that at `time` (Unix seconds) it is
 * the largest consistent tree that the witness has seen of the log. The signer's `keyId` is one of algorithm 0x04.
 */
export async function cosign(note: string, signer: NoteSigner, time: number): Promise<string> {
  if (!Number.isSafeInteger(time) || time < 0)
    throw new NoteError('malformed_note', 'not a time in Unix seconds')
  const { text } = parseNote(note)
  const signature = new Uint8Array(timestampBytes + signatureBytes)
  new DataView(signature.buffer).setBigUint64(0, BigInt(time))
  const signed = await signer.sign(cosignedMessage(text, BigInt(time)))
  if (signed.length !== signatureBytes)
    throw new NoteError('bad_signature', 'an Ed25519 signature has 64 bytes')
  signature.set(signed, timestampBytes)
  return addSignatures(note, [{ name: signer.name, keyId: signer.keyId, signature }])
}

/** The time (Unix seconds) that a cosignature of the checkpoint states, or undefined when it is not genuine. */
export function openCosignature(
  text: string,
  signature: Uint8Array,
  publicKey: Uint8Array,
): number | undefined {
  if (signature.length !== timestampBytes + signatureBytes) return undefined
  const time = new DataView(signature.buffer, signature.byteOffset).getBigUint64(0)
  if (time > BigInt(Number.MAX_SAFE_INTEGER)) return undefined
  const genuine = verifyEd25519(publicKey, cosignedMessage(text, time), signature.subarray(timestampBytes))
  return genuine ? Number(time) : undefined
}

const timestampBytes = 8
const signatureBytes = 64

/** The header line keeps a cosignature from being taken for any other signature of the same key. */
function cosignedMessage(text: string, time: bigint): Uint8Array {
  return Buffer.from(`cosignature/v1\ntime ${time}\n${text}`)
}
