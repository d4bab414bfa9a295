import { createPublicKey, verify } from 'node:crypto'
import { describe, expect, test, vi } from 'vitest'
import type { Fault } from '../../test/kms-server.ts'
import { testKms } from '../../test/test-kms.ts'
import { kmsClient, kmsKeyKinds } from './kms-client.ts'
import type { KmsFailure } from './kms-client.ts'

const server = await testKms()
const logKey = server.createKey('ECC_NIST_EDWARDS25519')

const { ed25519, secp256k1 } = kmsKeyKinds
const message = Buffer.from('a head\n')

test('signs a message, and tells the key that verifies it', async () => {
  const kms = kmsClient()
  const key = createPublicKey({ key: await kms.publicKey(logKey, ed25519), format: 'der', type: 'spki' })
  expect(verify(null, message, key, await kms.sign(logKey, ed25519, message))).toBe(true)
})

test('opens what it sealed, for the same purpose and under the same key alone', async () => {
  const kms = kmsClient()
  const [key, other] = [server.createKey('SYMMETRIC_DEFAULT'), server.createKey('SYMMETRIC_DEFAULT')]
  const sealed = await kms.seal(key, message, 'one')
  expect(await kms.unseal(key, sealed, 'one')).toEqual(message)
  const refused = { code: 'refused', message: 'Decrypt: InvalidCiphertextException' }
  await expect(kms.unseal(key, sealed, 'two')).rejects.toMatchObject(refused)
  await expect(kms.unseal(other, sealed, 'one')).rejects.toMatchObject(refused)
})

describe('a call that fails says whether it may pass by itself', () => {
  const faults: [Fault, 'unreachable' | 'refused'][] = [
    ['ThrottlingException', 'unreachable'],
    ['KMSInternalException', 'unreachable'],
    ['KeyUnavailableException', 'unreachable'],
    ['proxy 503', 'unreachable'],
    ['drop', 'unreachable'],
    ['hang', 'unreachable'],
    ['AccessDeniedException', 'refused'],
  ]
  test.each(faults)('%s: %s', async (fault, code) => {
    const failures: KmsFailure[] = []
    const onFailure = (failure: KmsFailure) => void failures.push(failure)
    const kms = kmsClient({ timeoutMs: fault === 'hang' ? 100 : 5000, onFailure })
    server.fail(fault)
    const error = await kms.sign(logKey, ed25519, message).catch((thrown: unknown) => thrown)
    // Who reads anchors or answers must not learn whose key it is; the log does.
    expect(error).toMatchObject({ code, message: expect.not.stringMatching('111122223333') })
    expect(failures).toMatchObject([{ operation: 'Sign', key: logKey, error }])
    server.fail(undefined)
    expect(await kms.sign(logKey, ed25519, message)).toHaveLength(64)
  })

  test('an attempt that fails is repeated before anyone hears of it', async () => {
    vi.stubEnv('AWS_MAX_ATTEMPTS', '3')
    server.failOnce('KMSInternalException')
    server.failOnce('drop')
    const failures: KmsFailure[] = []
    await kmsClient({ onFailure: (failure) => void failures.push(failure) }).trySign(logKey, ed25519)
    expect(failures).toEqual([])
  })

  test('addresses that nobody listens on, missing credentials and a missing region', async () => {
    const asks = (code: string, message: string) =>
      expect(kmsClient().trySign(logKey, ed25519)).rejects.toMatchObject({ code, message })
    vi.stubEnv('AWS_ENDPOINT_URL_KMS', 'http://127.0.0.1:1')
    await asks('unreachable', 'Sign: ECONNREFUSED')
    for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) vi.stubEnv(name, '')
    vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true')
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/dev/null')
    vi.stubEnv('AWS_CONFIG_FILE', '/dev/null')
    await asks('refused', 'Sign: CredentialsProviderError')
    vi.stubEnv('AWS_REGION', '')
    await asks('refused', 'Sign: Misconfigured')
  })

  test('keys of another kind, disabled ones and those that are not there', async () => {
    const kms = kmsClient()
    const wrong = { code: 'refused', message: expect.stringContaining('ECC_SECG_P256K1') }
    await expect(kms.publicKey(logKey, secp256k1)).rejects.toMatchObject(wrong)
    const p256 = server.createKey('ECC_NIST_P256') // of the same algorithm, on another curve
    await expect(kms.publicKey(p256, secp256k1)).rejects.toMatchObject(wrong)
    const disabled = server.createKey('ECC_NIST_EDWARDS25519')
    server.disable(disabled)
    const refusal = (name: string) => ({ code: 'refused', message: `Sign: ${name}` })
    await expect(kms.trySign(disabled, ed25519)).rejects.toMatchObject(refusal('DisabledException'))
    await expect(kms.trySign('alias/none', ed25519)).rejects.toMatchObject(refusal('NotFoundException'))
  })
})
