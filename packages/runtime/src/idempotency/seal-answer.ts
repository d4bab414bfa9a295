import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'

const algorithm = 'aes-256-gcm'
const saltSize = 16
const nonceSize = 12
const tagSize = 16

/**
 * An answer that holds a secret, as it is kept for repetitions: AES-256-GCM under HKDF-SHA256 of the key that asked,
 * which is stored nowhere. Whoever reads the database learns nothing from it; see docs/adr/0005.
 */
export function sealAnswer(body: string | Uint8Array, askingSecret: string): Uint8Array {
  const salt = randomBytes(saltSize)
  const nonce = randomBytes(nonceSize)
  const cipher = createCipheriv(algorithm, sealingKey(askingSecret, salt), nonce)
  const plain = typeof body === 'string' ? Buffer.from(body) : body
  const sealed = Buffer.concat([cipher.update(plain), cipher.final()])
  return Buffer.concat([salt, nonce, cipher.getAuthTag(), sealed])
}

/** The answer that `sealAnswer` sealed for the same key. Throws for another key and for changed bytes. */
export function unsealAnswer(sealed: Uint8Array, askingSecret: string): Uint8Array {
  const bytes = Buffer.from(sealed)
  const salt = bytes.subarray(0, saltSize)
  const nonce = bytes.subarray(saltSize, saltSize + nonceSize)
  const body = saltSize + nonceSize + tagSize
  const decipher = createDecipheriv(algorithm, sealingKey(askingSecret, salt), nonce, {
    authTagLength: tagSize,
  })
  decipher.setAuthTag(bytes.subarray(saltSize + nonceSize, body))
  return Buffer.concat([decipher.update(bytes.subarray(body)), decipher.final()])
}

function sealingKey(askingSecret: string, salt: Uint8Array): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', askingSecret, salt, 'tallystick sealed answer', 32))
}
