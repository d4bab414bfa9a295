import { createPublicKey } from 'node:crypto'
import { fromDer } from '@tallystick/receipt'
import { bytesToHex, hexToBigInt, numberToHex, recoverAddress } from 'viem'
import { privateKeyToAccount, publicKeyToAddress, sign } from 'viem/accounts'
import { kmsKeyKinds } from '../kms/kms-client.ts'
import type { Kms } from '../kms/kms-client.ts'
import { KmsError } from '../kms/kms-error.ts'
import type { ChainConfig } from './chain-config.ts'
import { ChainError } from './chain-error.ts'
import type { Hex } from './chain-reads.ts'

/** The account that pays for anchors: it only signs 32-byte digests with secp256k1. */
export interface ChainSigner {
  address: Hex
  sign(digest: Uint8Array): Promise<{ r: Hex; s: Hex; yParity: 0 | 1 }>
}

/** The signer that a chain's configuration names. A KMS is asked for its address when it is first needed. Throws for none. */
export function chainSigner({ id, privateKey, kmsKey }: ChainConfig, kms: Kms): () => Promise<ChainSigner> {
  if (kmsKey !== undefined) return onceItWorks(() => kmsSigner(kms, kmsKey))
  if (privateKey === undefined) throw new Error(`${id} has neither a privateKey nor a kmsKey`)
  const signer = keySigner(privateKey)
  return () => Promise.resolve(signer)
}

function keySigner(privateKey: Hex): ChainSigner {
  return {
    address: privateKeyToAccount(privateKey).address,
    async sign(digest) {
      const { r, s, yParity } = await sign({ hash: bytesToHex(digest), privateKey })
      return { r, s, yParity: yParity === 1 ? 1 : 0 }
    },
  }
}

const kind = kmsKeyKinds.secp256k1

async function kmsSigner(kms: Kms, key: string): Promise<ChainSigner> {
  const spki = await told(() => kms.publicKey(key, kind))
  const { x = '', y = '' } = createPublicKey({ key: spki, format: 'der', type: 'spki' }).export({
    format: 'jwk',
  })
  const point = Buffer.concat([Buffer.of(4), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')])
  const address = publicKeyToAddress(bytesToHex(point))
  return {
    address,
    sign: (digest) =>
      told(async () => recoverable(fromDer(await kms.sign(key, kind, digest)), digest, address)),
  }
}

/** The order of secp256k1 (SEC 2). */
const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n

/**
 * r ‖ s as chains take it: with the smaller s (EIP-2) and the parity that leads back to the account. Another key's
 * signature leads elsewhere and is refused.
 */
async function recoverable(signature: Uint8Array, digest: Uint8Array, address: Hex) {
  const given = hexToBigInt(bytesToHex(signature.subarray(32)))
  const r = bytesToHex(signature.subarray(0, 32))
  const s = numberToHex(given > order / 2n ? order - given : given, { size: 32 })
  for (const yParity of [0, 1] as const) {
    const found = await recoverAddress({ hash: bytesToHex(digest), signature: { r, s, yParity } })
    if (found === address) return { r, s, yParity }
  }
  throw new KmsError('refused', 'Sign: the signature is not by the key of the account')
}

const codes = { unreachable: 'kms_unreachable', refused: 'kms_refuses' } as const

async function told<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    if (!(error instanceof KmsError)) throw error
    throw new ChainError(codes[error.code], `the KMS did not sign: ${error.message}`, { cause: error })
  }
}

/** Keeps the first success; a failure is forgotten, and the next call tries again. */
function onceItWorks<T>(open: () => Promise<T>): () => Promise<T> {
  let opened: Promise<T> | undefined
  return async () => {
    opened ??= open()
    try {
      return await opened
    } catch (error) {
      opened = undefined
      throw error
    }
  }
}
