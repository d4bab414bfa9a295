import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { generateSigningKey } from '@tallystick/receipt'
import type { PrivateJwk, PublicJwk } from '@tallystick/receipt'
import { z } from 'zod'
import { kmsKeyName } from './kms/kms-client.ts'
import { generateLogKey } from './log-key.ts'

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null
const inKms = z.strictObject({ kms_key: kmsKeyName })
const sealed = { kms_key: kmsKeyName, sealed: z.base64().min(1) }

/**
 * The secrets of one log: the Ed25519 key of its checkpoints and the keys of its receipts. To rotate, add a key with
 * `nbf`, give the old one `exp`, and restart; the public half of a key stays published after it left the file. What is
 * `sealed` is encrypted under a key of AWS KMS: the whole log key, and the member `d` of a receipt key. A log key with
 * `kms_key` alone is in the KMS itself.
 */
const keyFile = z.strictObject({
  log_key: z.union([z.string(), z.strictObject(sealed), inKms]),
  receipt_keys: z
    .array(
      z.union([
        // A secret left in the clear beside its seal is no sealed key, and no other either.
        z.looseObject({ ...sealed, d: z.undefined().optional() }).pipe(z.custom<SealedJwk>(isObject)),
        z.custom<PrivateJwk>((value) => isObject(value) && !('sealed' in value)),
      ]),
    )
    .min(1),
})

/** A receipt key whose `d` is encrypted; all else is in the clear, so that `nbf` and `exp` are edited as in any key. */
export type SealedJwk = PublicJwk & { kms_key: string; sealed: string }

/** What an audit service signs with, as its key file holds it. */
export type AuditKeys = z.infer<typeof keyFile>

/** New keys of a log, in the clear. */
export function generateAuditKeys(): { log_key: string; receipt_keys: PrivateJwk[] } {
  return { log_key: generateLogKey(), receipt_keys: [generateSigningKey('ES256').privateJwk] }
}

/** Reads the key file. With `create`, a missing file is made with new keys, readable by its owner only. */
export function readKeyFile(path: string, { create }: { create: boolean }): AuditKeys {
  try {
    return keyFile.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    if (!missing || !create)
      throw new Error(`The key file ${path} cannot be used; see "Signing keys" in docs/operations.md`, {
        cause: error,
      })
  }
  const keys = generateAuditKeys()
  writeKeyFile(path, keys)
  return keys
}

/** Writes a new key file, readable by its owner only. Throws where there is one already. */
export function writeKeyFile(path: string, keys: AuditKeys): void {
  const draft = `${path}.${process.pid}.tmp`
  writeFileSync(draft, `${JSON.stringify(keys, null, 2)}\n`, { mode: 0o600, flush: true })
  try {
    // Whole or not at all after a crash, and exclusive: two processes must not sign with different keys.
    linkSync(draft, path)
  } finally {
    rmSync(draft)
  }
}
