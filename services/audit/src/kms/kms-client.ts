import type { KeySpec, KMSClient, SigningAlgorithmSpec } from '@aws-sdk/client-kms'
import { z } from 'zod'
import { KmsError } from './kms-error.ts'

type Sdk = typeof import('@aws-sdk/client-kms')

/** How a key in the KMS is named: by ARN, id or alias. */
export const kmsKeyName = z.string().min(1).max(2048)

/** The kinds of keys that sign here: what a key must be, and how AWS KMS is to sign with it. */
export const kmsKeyKinds = {
  /** Ed25519 over the message itself: SHA-512 is the algorithm's own. */
  ed25519: { spec: 'ECC_NIST_EDWARDS25519', algorithm: 'ED25519_SHA_512', messageType: 'RAW' },
  /** ECDSA over 32 bytes that are a digest already: of Keccak here, whatever the algorithm's name says. */
  secp256k1: { spec: 'ECC_SECG_P256K1', algorithm: 'ECDSA_SHA_256', messageType: 'DIGEST' },
} as const satisfies Record<
  string,
  { spec: KeySpec; algorithm: SigningAlgorithmSpec; messageType: 'RAW' | 'DIGEST' }
>
type KeyKind = (typeof kmsKeyKinds)[keyof typeof kmsKeyKinds]

/** The calls of AWS KMS that are used. Keys are named by ARN, id or alias; all throw KmsError. */
export interface Kms {
  /** The public half of a signing key as SPKI in DER; `refused` for a key of another kind. */
  publicKey(key: string, kind: KeyKind): Promise<Buffer>
  /** The signature as KMS gives it: 64 bytes for Ed25519, DER for ECDSA. */
  sign(key: string, kind: KeyKind, message: Uint8Array): Promise<Buffer>
  /** Returns if the key would sign for these credentials; nothing is signed. */
  trySign(key: string, kind: KeyKind): Promise<void>
  /** Encrypts at most 4,096 bytes under a symmetric key. Only who names the same `purpose` can decrypt. */
  seal(key: string, secret: Uint8Array, purpose: string): Promise<Buffer>
  /** What `seal` was given. */
  unseal(key: string, sealed: Uint8Array, purpose: string): Promise<Buffer>
}

/** A call that failed, for logs and metrics. */
export interface KmsFailure {
  operation: 'GetPublicKey' | 'Sign' | 'Encrypt' | 'Decrypt'
  key: string
  error: KmsError
}

/**
 * AWS KMS by its SDK, which is loaded at the first call. Credentials, region and endpoint are found as the SDK finds them
 * everywhere, in the environment above all; one attempt takes `timeoutMs` at most, and the SDK makes three.
 */
export function kmsClient(
  options: { timeoutMs?: number; onFailure?: (failure: KmsFailure) => void } = {},
): Kms {
  const { timeoutMs = 3000, onFailure } = options
  let opened: Promise<{ sdk: Sdk; client: KMSClient }> | undefined

  async function open(): Promise<{ sdk: Sdk; client: KMSClient }> {
    const sdk = await import('@aws-sdk/client-kms')
    const requestHandler = {
      connectionTimeout: timeoutMs,
      requestTimeout: timeoutMs,
      throwOnRequestTimeout: true,
    }
    return { sdk, client: new sdk.KMSClient({ requestHandler }) }
  }

  async function ask<T>(
    operation: KmsFailure['operation'],
    key: string,
    call: (client: KMSClient, sdk: Sdk) => Promise<T>,
  ): Promise<T> {
    try {
      const { client, sdk } = await (opened ??= open())
      return await call(client, sdk)
    } catch (cause) {
      const error = cause instanceof KmsError ? cause : failureOf(operation, cause)
      onFailure?.({ operation, key, error })
      throw error
    }
  }

  return {
    publicKey: (key, { spec, algorithm }) =>
      ask('GetPublicKey', key, async (client, { GetPublicKeyCommand }) => {
        const answer = await client.send(new GetPublicKeyCommand({ KeyId: key }))
        if (answer.KeySpec !== spec || answer.SigningAlgorithms?.includes(algorithm) !== true) {
          const found = `${answer.KeySpec ?? 'of no kind'} for ${answer.KeyUsage ?? 'nothing'}`
          throw new KmsError('refused', `the key is ${found}; ${spec} for SIGN_VERIFY is needed`)
        }
        return bytesOf('GetPublicKey', answer.PublicKey)
      }),

    sign: (key, { algorithm, messageType }, message) =>
      ask('Sign', key, async (client, { SignCommand }) => {
        const input = { KeyId: key, Message: message, MessageType: messageType, SigningAlgorithm: algorithm }
        return bytesOf('Sign', (await client.send(new SignCommand(input))).Signature)
      }),

    trySign: (key, { algorithm, messageType }) =>
      ask('Sign', key, async (client, { DryRunOperationException, SignCommand }) => {
        const input = { KeyId: key, MessageType: messageType, SigningAlgorithm: algorithm }
        try {
          await client.send(new SignCommand({ ...input, Message: new Uint8Array(32), DryRun: true }))
        } catch (error) {
          // How KMS says that it would have.
          if (!(error instanceof DryRunOperationException)) throw error
        }
      }),

    seal: (key, secret, purpose) =>
      ask('Encrypt', key, async (client, { EncryptCommand }) => {
        const input = { KeyId: key, Plaintext: secret, EncryptionContext: { tallystick: purpose } }
        return bytesOf('Encrypt', (await client.send(new EncryptCommand(input))).CiphertextBlob)
      }),

    unseal: (key, sealed, purpose) =>
      ask('Decrypt', key, async (client, { DecryptCommand }) => {
        const input = { KeyId: key, CiphertextBlob: sealed, EncryptionContext: { tallystick: purpose } }
        return bytesOf('Decrypt', (await client.send(new DecryptCommand(input))).Plaintext)
      }),
  }
}

function bytesOf(operation: string, bytes: Uint8Array | undefined): Buffer {
  if (bytes === undefined) throw new KmsError('unreachable', `${operation}: the answer is incomplete`)
  return Buffer.from(bytes)
}

const overloaded = /throttl|toomanyrequests|limitexceeded|requesttimeout|timeouterror/i
const unconfigured = /^(Credentials|TokenProvider|Misconfigured)/

/** What an error of the SDK means. Its own text stays in the cause: it may name keys and accounts. */
function failureOf(operation: string, cause: unknown): KmsError {
  const name = nameOf(cause)
  const said = statusOf(cause) ?? 0
  const declined = said >= 400 && said < 500 && said !== 429 && !overloaded.test(name)
  const code = declined || unconfigured.test(name) ? 'refused' : 'unreachable'
  return new KmsError(code, `${operation}: ${name}`, { cause })
}

/** KMS and the SDK name their errors; sockets give a code; what has neither is how the SDK misses a region, say. */
function nameOf(cause: unknown): string {
  if (!(cause instanceof Error)) return 'unknown'
  if (cause.name !== 'Error' && cause.name !== 'AggregateError') return cause.name
  return 'code' in cause && typeof cause.code === 'string' ? cause.code : 'Misconfigured'
}

/** The HTTP status that KMS answered with; undefined where no answer came. */
function statusOf(cause: unknown): number | undefined {
  if (!(cause instanceof Error) || !('$metadata' in cause)) return undefined
  const { $metadata: metadata } = cause
  if (typeof metadata !== 'object' || metadata === null || !('httpStatusCode' in metadata)) return undefined
  return typeof metadata.httpStatusCode === 'number' ? metadata.httpStatusCode : undefined
}
