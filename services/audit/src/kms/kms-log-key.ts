import { createPublicKey, verify } from 'node:crypto'
import { logSigner } from '../log-key.ts'
import type { LogSigner } from '../log-key.ts'
import { kmsKeyKinds } from './kms-client.ts'
import type { Kms } from './kms-client.ts'
import { KmsError } from './kms-error.ts'

const kind = kmsKeyKinds.ed25519

/**
 * The signer of the log `origin` with a key that never leaves the KMS. Its public half is asked for once, here: a signature
 * by any other key, as after an alias was pointed elsewhere, is refused and never published. Throws KmsError.
 */
export async function kmsLogKey(kms: Kms, key: string, origin: string): Promise<LogSigner> {
  const publicKey = createPublicKey({ key: await kms.publicKey(key, kind), format: 'der', type: 'spki' })
  return logSigner(origin, publicKey, async (message) => {
    const signature = await kms.sign(key, kind, message)
    if (verify(null, message, publicKey, signature)) return signature
    throw new KmsError('refused', 'Sign: the signature is not by the key that the log was opened with')
  })
}

/**
 * A check for /readyz: whether the KMS would sign for this copy. It is asked until it was found good once: an outage of
 * the KMS delays checkpoints, and must not take all copies out of service, which go on giving receipts meanwhile.
 */
export function kmsLogKeyCheck(kms: Kms, key: string): () => Promise<void> {
  let found = false
  return async () => {
    if (found) return
    await kms.trySign(key, kind)
    found = true
  }
}
