import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { generateSigningKey } from '@tallystick/receipt'
import type { PrivateJwk } from '@tallystick/receipt'
import { z } from 'zod'
import { generateLogKey } from './log-key.ts'

/**
 * The secrets of one log: the Ed25519 key of its checkpoints and the keys of its receipts. To rotate, add a key with
 * `nbf`, give the old one `exp`, and restart; the public half of a key stays published after it left the file.
 */
const keyFile = z.strictObject({
  log_key: z.string(),
  receipt_keys: z.array(z.custom<PrivateJwk>((value) => typeof value === 'object' && value !== null)).min(1),
})

/** The secrets that an audit service signs with. */
export type AuditKeys = z.infer<typeof keyFile>

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
  const keys: AuditKeys = {
    log_key: generateLogKey(),
    receipt_keys: [generateSigningKey('ES256').privateJwk],
  }
  const draft = `${path}.${process.pid}.tmp`
  writeFileSync(draft, `${JSON.stringify(keys, null, 2)}\n`, { mode: 0o600, flush: true })
  try {
    // Whole or not at all after a crash, and exclusive: two processes must not sign with different keys.
    linkSync(draft, path)
  } finally {
    rmSync(draft)
  }
  return keys
}
