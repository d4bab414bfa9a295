import {
  createCipheriv,
  createDecipheriv,
  createECDH,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  KeyObject,
  randomBytes,
  sign,
} from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { z } from 'zod'

/** The kinds of keys that the stand-in makes. */
export type Spec = 'ECC_NIST_EDWARDS25519' | 'ECC_SECG_P256K1' | 'ECC_NIST_P256' | 'SYMMETRIC_DEFAULT'

/** What goes wrong with a request, by the name that KMS gives it; the last three are no answer of KMS at all. */
export type Fault =
  | 'ThrottlingException'
  | 'KMSInternalException'
  | 'KeyUnavailableException'
  | 'AccessDeniedException'
  | 'proxy 503'
  | 'hang'
  | 'drop'

type Operation = 'GetPublicKey' | 'Sign' | 'Encrypt' | 'Decrypt'

/** A stand-in for AWS KMS on the loopback interface: its JSON protocol, its checks, real cryptography. */
export interface KmsServer {
  url: string
  /** The environment by which the SDK finds it, and makes one attempt. */
  env: Record<string, string>
  /** Makes a key and gives its ARN. */
  createKey(spec: Spec, secret?: KeyObject): string
  /** Points an alias at a key, anew where it was pointed elsewhere. */
  alias(name: string, key: string): void
  disable(key: string, disabled?: boolean): void
  /** While set, every request of these operations fails so; all operations unless named. */
  fail(fault: Fault | undefined, operations?: readonly Operation[]): void
  /** The next request fails so. */
  failOnce(fault: Fault): void
  /** How often each operation was asked for, faults included. */
  readonly asked: Map<string, number>
  /** What was sent that KMS would not take; a test ends with none. */
  readonly violations: string[]
  close(): Promise<void>
}

interface Key {
  arn: string
  spec: Spec
  secret: KeyObject | Buffer
  disabled: boolean
}

const region = 'eu-central-1'
const credentials = { id: 'AKIDLOCAL', secret: 'not-a-secret' }
const authorization = new RegExp(
  `^AWS4-HMAC-SHA256 Credential=${credentials.id}/\\d{8}/${region}/kms/aws4_request, SignedHeaders=[a-z0-9;-]*host;[a-z0-9;-]*x-amz-date;x-amz-target[a-z0-9;-]*, Signature=[0-9a-f]{64}$`,
)

const base64 = (most: number) =>
  z.base64().refine((text) => Buffer.from(text, 'base64').length <= most, 'too long')
const keyId = z.string().min(1).max(2048)
const context = z.record(z.string(), z.string())
const shapes = {
  GetPublicKey: z.strictObject({ KeyId: keyId }),
  Sign: z.strictObject({
    KeyId: keyId,
    Message: base64(4096),
    MessageType: z.enum(['RAW', 'DIGEST']),
    SigningAlgorithm: z.string(),
    DryRun: z.boolean().optional(),
  }),
  Encrypt: z.strictObject({ KeyId: keyId, Plaintext: base64(4096), EncryptionContext: context }),
  Decrypt: z.strictObject({ KeyId: keyId, CiphertextBlob: base64(6144), EncryptionContext: context }),
}
/** By spec: the algorithm, and the message type that it is used with here. */
const algorithms: Partial<Record<Spec, { algorithm: string; messageType: string }>> = {
  ECC_NIST_EDWARDS25519: { algorithm: 'ED25519_SHA_512', messageType: 'RAW' },
  ECC_SECG_P256K1: { algorithm: 'ECDSA_SHA_256', messageType: 'DIGEST' },
  ECC_NIST_P256: { algorithm: 'ECDSA_SHA_256', messageType: 'DIGEST' },
}

class Refusal extends Error {
  readonly type: string
  readonly status: number
  constructor(type: string, status = 400) {
    super(type)
    this.type = type
    this.status = status
  }
}

/** Starts the stand-in without keys. */
export async function startKmsServer(): Promise<KmsServer> {
  const keys = new Map<string, Key>()
  const aliases = new Map<string, string>()
  const asked = new Map<string, number>()
  const violations: string[] = []
  const next: Fault[] = []
  let lasting: { fault: Fault; operations: readonly string[] | undefined } | undefined

  function find(id: string): Key {
    const key = keys.get(aliases.get(id) ?? id)
    if (!key) throw new Refusal('NotFoundException')
    if (key.disabled) throw new Refusal('DisabledException')
    return key
  }

  const perform = {
    GetPublicKey(text: unknown) {
      const { arn, spec, secret } = find(shapes.GetPublicKey.parse(text).KeyId)
      if (!(secret instanceof KeyObject)) throw new Refusal('UnsupportedOperationException')
      const der = createPublicKey(secret).export({ format: 'der', type: 'spki' })
      const { algorithm } = algorithms[spec] ?? {}
      const usage = { KeyUsage: 'SIGN_VERIFY', SigningAlgorithms: [algorithm] }
      return { KeyId: arn, KeySpec: spec, ...usage, PublicKey: der.toString('base64') }
    },
    Sign(text: unknown) {
      const { KeyId, Message, MessageType, SigningAlgorithm, DryRun } = shapes.Sign.parse(text)
      const { arn, spec, secret } = find(KeyId)
      const kind = algorithms[spec]
      if (!(secret instanceof KeyObject)) throw new Refusal('InvalidKeyUsageException')
      if (kind?.algorithm !== SigningAlgorithm) throw new Refusal('InvalidKeyUsageException')
      const message = Buffer.from(Message, 'base64')
      if (MessageType !== kind.messageType || (MessageType === 'DIGEST' && message.length !== 32))
        throw new Refusal('ValidationException')
      if (DryRun === true) throw new Refusal('DryRunOperationException', 412)
      const signature = spec === 'ECC_SECG_P256K1' ? signDigest(secret, message) : sign(null, message, secret)
      return { KeyId: arn, Signature: signature.toString('base64'), SigningAlgorithm }
    },
    Encrypt(text: unknown) {
      const { KeyId, Plaintext, EncryptionContext } = shapes.Encrypt.parse(text)
      const { arn, secret } = find(KeyId)
      if (secret instanceof KeyObject) throw new Refusal('InvalidKeyUsageException')
      const nonce = randomBytes(12)
      const cipher = createCipheriv('aes-256-gcm', secret, nonce).setAAD(aad(EncryptionContext))
      const parts = [cipher.update(Plaintext, 'base64'), cipher.final()]
      const blob = Buffer.concat([nonce, cipher.getAuthTag(), ...parts])
      return { KeyId: arn, CiphertextBlob: blob.toString('base64') }
    },
    Decrypt(text: unknown) {
      const { KeyId, CiphertextBlob, EncryptionContext } = shapes.Decrypt.parse(text)
      const { arn, secret } = find(KeyId)
      if (secret instanceof KeyObject) throw new Refusal('InvalidKeyUsageException')
      const blob = Buffer.from(CiphertextBlob, 'base64')
      try {
        const cipher = createDecipheriv('aes-256-gcm', secret, blob.subarray(0, 12))
        cipher.setAAD(aad(EncryptionContext)).setAuthTag(blob.subarray(12, 28))
        const plain = Buffer.concat([cipher.update(blob.subarray(28)), cipher.final()])
        return { KeyId: arn, Plaintext: plain.toString('base64') }
      } catch {
        throw new Refusal('InvalidCiphertextException')
      }
    },
  }

  function handle(request: IncomingMessage, response: ServerResponse, body: string): void {
    const operation = /^TrentService\.(\w+)$/.exec(String(request.headers['x-amz-target']))?.[1] ?? ''
    asked.set(operation, (asked.get(operation) ?? 0) + 1)
    const applies = lasting?.operations === undefined || lasting.operations.includes(operation)
    const fault = next.shift() ?? (applies ? lasting?.fault : undefined)
    if (fault === 'hang') return
    if (fault === 'drop') return void request.socket.destroy()
    if (fault === 'proxy 503') return void response.writeHead(503).end('<html>no upstream</html>')
    try {
      if (fault !== undefined) throw new Refusal(fault, /Internal|Unavailable/.test(fault) ? 500 : 400)
      if (request.method !== 'POST' || request.url !== '/') throw new TypeError('no POST to /')
      if (request.headers['content-type'] !== 'application/x-amz-json-1.1')
        throw new TypeError('content type')
      if (!authorization.test(request.headers.authorization ?? '')) throw new TypeError('not signed')
      if (!isOperation(operation)) throw new TypeError(`no operation ${operation}`)
      answer(response, 200, perform[operation](JSON.parse(body)))
    } catch (error) {
      if (!(error instanceof Refusal)) violations.push(`${operation}: ${String(error)}`)
      const refusal = error instanceof Refusal ? error : new Refusal('ValidationException')
      if (refusal.type === 'ValidationException') violations.push(`${operation}: ValidationException`)
      const message = `${refusal.type} of account 111122223333`
      answer(response, refusal.status, { __type: refusal.type, message })
    }
  }

  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => handle(request, response, Buffer.concat(chunks).toString()))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url,
    env: {
      AWS_ENDPOINT_URL_KMS: url,
      AWS_REGION: region,
      AWS_ACCESS_KEY_ID: credentials.id,
      AWS_SECRET_ACCESS_KEY: credentials.secret,
      AWS_MAX_ATTEMPTS: '1',
      // Of the machine that the tests run on.
      AWS_PROFILE: '',
      AWS_SESSION_TOKEN: '',
    },
    asked,
    violations,
    createKey(spec, secret: Key['secret'] = newSecret(spec)) {
      const arn = `arn:aws:kms:${region}:111122223333:key/${randomBytes(16).toString('hex')}`
      keys.set(arn, { arn, spec, secret, disabled: false })
      return arn
    },
    alias: (name, key) => void aliases.set(name, key),
    disable(key, disabled = true) {
      const found = keys.get(key)
      if (found) found.disabled = disabled
    },
    fail: (fault, operations) => {
      lasting = fault === undefined ? undefined : { fault, operations }
    },
    failOnce: (fault) => void next.push(fault),
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

function isOperation(name: string): name is Operation {
  return Object.hasOwn(shapes, name)
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(body))
}

function aad(pairs: Record<string, string>): Buffer {
  const sorted = Object.entries(pairs).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return Buffer.from(JSON.stringify(sorted))
}

function newSecret(spec: Spec): KeyObject | Buffer {
  if (spec === 'SYMMETRIC_DEFAULT') return randomBytes(32)
  if (spec === 'ECC_NIST_EDWARDS25519') return generateKeyPairSync('ed25519').privateKey
  if (spec === 'ECC_SECG_P256K1') return generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
}

const n = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
const toNumber = (bytes: Uint8Array) => BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
let turn = 0

/** ECDSA (FIPS 186-5) over 32 bytes as they are, which node:crypto would hash again; every second s is the larger one. */
function signDigest(secret: KeyObject, digest: Uint8Array): Buffer {
  const d = toNumber(Buffer.from(secret.export({ format: 'jwk' }).d ?? '', 'base64url'))
  const k = randomBytes(32)
  const curve = createECDH('secp256k1')
  curve.setPrivateKey(k)
  const r = toNumber(curve.getPublicKey().subarray(1, 33)) % n
  const s = (inverse(toNumber(k)) * (toNumber(digest) + r * d)) % n
  const isHigh = s > n / 2n
  return der(r, (turn++ % 2 === 0) === isHigh ? s : n - s)
}

/** By Fermat's little theorem: the order is prime. */
function inverse(value: bigint): bigint {
  let result = 1n
  for (let base = value % n, exponent = n - 2n; exponent > 0n; exponent >>= 1n, base = (base * base) % n)
    if (exponent & 1n) result = (result * base) % n
  return result
}

function der(...integers: bigint[]): Buffer {
  const parts = integers.map((value) => {
    const hex = value.toString(16)
    const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex')
    const padded = (bytes[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), bytes]) : bytes
    return Buffer.concat([Buffer.of(2, padded.length), padded])
  })
  const body = Buffer.concat(parts)
  return Buffer.concat([Buffer.of(0x30, body.length), body])
}

/** The private key object of a secp256k1 scalar, to be put into the stand-in. */
export function secp256k1Key(privateKey: `0x${string}`): KeyObject {
  const curve = createECDH('secp256k1')
  const d = Buffer.from(privateKey.slice(2), 'hex')
  curve.setPrivateKey(d)
  const point = curve.getPublicKey()
  const part = (bytes: Buffer) => bytes.toString('base64url')
  const jwk = { kty: 'EC', crv: 'secp256k1', x: part(point.subarray(1, 33)), y: part(point.subarray(33)) }
  return createPrivateKey({ key: { ...jwk, d: part(d) }, format: 'jwk' })
}
