import { generateKeyPairSync, sign } from 'node:crypto'
import {
  consistencyProof,
  cosign,
  formatCheckpoint,
  formatVerifierKey,
  inclusionProof,
  leafHash,
  nodeHash,
  noteAlgorithms,
  noteKeyId,
  signNote,
  treeRoot,
} from '@tallystick/merkle'
import type { HashSource, NoteAlgorithm, NoteSigner } from '@tallystick/merkle'
import { newId } from '@tallystick/protocol'
import { generateSigningKey, importSigningKey, receiptEntry, signReceipt } from '@tallystick/receipt'
import type { KeySet, ReceiptPayload } from '@tallystick/receipt'

/** A key that signs notes, and its public text. */
export interface NoteKey {
  signer: NoteSigner
  verifierKey: string
}

/** A fresh Ed25519 key for notes: plain for a log, cosignature/v1 for a witness. */
export function generateNoteKey(name: string, algorithm: NoteAlgorithm = noteAlgorithms.ed25519): NoteKey {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const raw = new Uint8Array(Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url'))
  const keyId = noteKeyId(name, algorithm, raw)
  const signer = {
    name,
    keyId,
    sign: (message: Uint8Array) => new Uint8Array(sign(null, message, privateKey)),
  }
  return { signer, verifierKey: formatVerifierKey(name, raw, algorithm) }
}

/** A log with real receipts, all in memory. */
export interface Log {
  origin: string
  receipts: string[]
  jwks: KeySet
  key: NoteKey
  source: HashSource
  root: (size: number) => Promise<Uint8Array>
  checkpoint: (size: number, witnesses?: readonly NoteKey[]) => Promise<string>
  inclusion: (index: number, size: number) => Promise<Uint8Array[]>
  /** From the smaller to the larger; empty for equal sizes. */
  consistency: (one: number, other: number) => Promise<Uint8Array[]>
}

/** Signs `count` receipts and logs them; with the `key` of another log, it is that log with another past. */
export async function makeLog(
  origin: string,
  count: number,
  key = generateNoteKey(origin),
  told: (index: number) => Partial<ReceiptPayload> = () => ({}),
): Promise<Log> {
  const signing = generateSigningKey('ES256')
  const signingKey = importSigningKey(signing.privateJwk)
  const receipts = await Promise.all(
    Array.from({ length: count }, (_, index) =>
      signReceipt({ ...payload(origin, index), ...told(index) }, signingKey),
    ),
  )
  const leaves = receipts.map((receipt) => leafHash(receiptEntry(receipt)))
  const source = memorySource(leaves)
  return {
    origin,
    receipts,
    jwks: { keys: [signing.publicJwk] },
    key,
    source,
    root: (size) => treeRoot(size, source),
    checkpoint: async (size, witnesses = []) => {
      const body = formatCheckpoint({ origin, size, root: await treeRoot(size, source) })
      let note = await signNote(body, key.signer)
      for (const witness of witnesses) note = await cosign(note, witness.signer, 1_768_746_200)
      return note
    },
    inclusion: (index, size) => inclusionProof(index, size, source),
    consistency: async (one, other) =>
      one === other ? [] : consistencyProof(Math.min(one, other), Math.max(one, other), source),
  }
}

/** The hashes of full subtrees over these leaves. */
function memorySource(leaves: readonly Uint8Array[]): HashSource {
  const hashAt = (level: number, index: number): Uint8Array => {
    if (level > 0) return nodeHash(hashAt(level - 1, 2 * index), hashAt(level - 1, 2 * index + 1))
    const leaf = leaves[index]
    if (leaf === undefined) throw new RangeError(`no leaf ${index}`)
    return leaf
  }
  return hashAt
}

function payload(origin: string, index: number): ReceiptPayload {
  const random = (size: number) => new Uint8Array(size).fill(index % 251)
  return {
    iss: origin,
    jti: newId('audit', new Date(1_768_746_120_000 + index), random),
    iat: 1_768_746_120,
    kind: 'training.usage',
    event: `evt_${index}`,
    actor: 'acct_1',
    licenses: ['lic_1'],
    items: [`sha256:${'ab'.repeat(32)}`],
    usage: { metric: 'tokens', quantity: '150000', model_id: 'model-1' },
    body: `sha256:${'cd'.repeat(32)}`,
    merge_by: 1_768_746_180,
  }
}
