import { importSigningKey } from '@tallystick/receipt'
import type { PrivateJwk } from '@tallystick/receipt'
import type { HealthChecks } from '@tallystick/runtime'
import type { AuditKeys, SealedJwk } from '../key-file.ts'
import { importLogKey } from '../log-key.ts'
import type { LogSigner } from '../log-key.ts'
import type { Kms } from './kms-client.ts'
import { KmsError } from './kms-error.ts'
import { kmsLogKey, kmsLogKeyCheck } from './kms-log-key.ts'

type ReceiptKey = AuditKeys['receipt_keys'][number]

const purposeOf = { log: 'log_key', receipts: (kid: string) => `receipt_key ${kid}` }

/** The keys with every secret encrypted under `kmsKey`, those too that another key of the KMS has sealed. Throws KmsError. */
export async function sealKeys(keys: AuditKeys, kmsKey: string, kms: Kms): Promise<AuditKeys> {
  const { log_key: logKey, receipt_keys: receiptKeys } = keys
  const sealed = async (secret: Uint8Array, purpose: string) => ({
    kms_key: kmsKey,
    sealed: (await kms.seal(kmsKey, secret, purpose)).toString('base64'),
  })
  const seal = async (key: ReceiptKey): Promise<SealedJwk> => {
    const { d, ...publicHalf } = await openReceiptKey(key, kms)
    const secret = Buffer.from(d, 'base64url')
    return { ...publicHalf, ...(await sealed(secret, purposeOf.receipts(publicHalf.kid))) }
  }
  return {
    log_key: isInKms(logKey) ? logKey : await sealed(Buffer.from(await pemOf(logKey, kms)), purposeOf.log),
    receipt_keys: await Promise.all(receiptKeys.map(seal)),
  }
}

/** What a copy signs with, in this process's memory alone. */
export interface OpenedKeys {
  signer: LogSigner
  receiptKeys: PrivateJwk[]
  /** Checks for /readyz of what only the KMS can tell. */
  checks: HealthChecks
}

/** Opens the keys of the log `origin`. Throws where the KMS does not, and for keys whose halves do not belong together. */
export async function openKeys(keys: AuditKeys, origin: string, kms: Kms): Promise<OpenedKeys> {
  const { log_key: logKey } = keys
  try {
    const receiptKeys = await Promise.all(keys.receipt_keys.map((key) => openReceiptKey(key, kms)))
    for (const key of receiptKeys) importSigningKey(key)
    if (!isInKms(logKey))
      return { signer: importLogKey(await pemOf(logKey, kms), origin), receiptKeys, checks: {} }
    const signer = await kmsLogKey(kms, logKey.kms_key, origin)
    return { signer, receiptKeys, checks: { log_key: kmsLogKeyCheck(kms, logKey.kms_key) } }
  } catch (cause) {
    if (!(cause instanceof KmsError)) throw cause
    throw new Error(
      `The KMS does not open the keys of AUDIT_KEY_FILE (${cause.message}); see "Keys in a KMS" in docs/operations.md`,
      { cause },
    )
  }
}

function isInKms(key: AuditKeys['log_key']): key is { kms_key: string } {
  return typeof key === 'object' && !('sealed' in key)
}

async function pemOf(key: string | { kms_key: string; sealed: string }, kms: Kms): Promise<string> {
  if (typeof key === 'string') return key
  return (await kms.unseal(key.kms_key, Buffer.from(key.sealed, 'base64'), purposeOf.log)).toString()
}

async function openReceiptKey(key: ReceiptKey, kms: Kms): Promise<PrivateJwk> {
  if (!('sealed' in key)) return key
  const { kms_key: kmsKey, sealed, ...publicHalf } = key
  const bytes = Buffer.from(sealed, 'base64')
  const d = (await kms.unseal(kmsKey, bytes, purposeOf.receipts(publicHalf.kid))).toString('base64url')
  return { ...publicHalf, d }
}
