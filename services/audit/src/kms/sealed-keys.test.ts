import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { verifyNote } from '@tallystick/merkle'
import { parseKeySet, verifyReceipt } from '@tallystick/receipt'
import { until } from '@tallystick/runtime/test-http'
import { afterAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { testKms } from '../../test/test-kms.ts'
import { startHttpWorld } from '../http-world.ts'
import { generateAuditKeys, readKeyFile, writeKeyFile } from '../key-file.ts'
import type { AuditKeys } from '../key-file.ts'
import { openLog, origin, record } from '../log-world.ts'
import { oldestUnpublished } from '../oldest-unpublished.ts'
import { publishCheckpoint } from '../publish-checkpoint.ts'
import { recordEvents } from '../record-events.ts'
import { ForeignLog, requireOwnLog } from '../require-own-log.ts'
import { beginSequencing } from '../sequence.ts'
import { kmsClient } from './kms-client.ts'
import { openKeys, sealKeys } from './sealed-keys.ts'

const server = await testKms()
const sealer = server.createKey('SYMMETRIC_DEFAULT')
const logKey = server.createKey('ECC_NIST_EDWARDS25519')
const kms = kmsClient()
const folder = mkdtempSync(join(tmpdir(), 'sealed-keys-'))
afterAll(() => rmSync(folder, { recursive: true }))

const inKms = (key = logKey): AuditKeys => ({ ...generateAuditKeys(), log_key: { kms_key: key } })

describe('a sealed key file', () => {
  test('holds no secret, and opens to the keys that were sealed', async () => {
    const clear = generateAuditKeys()
    const path = join(folder, 'sealed.json')
    writeKeyFile(path, await sealKeys(clear, sealer, kms))
    const text = readFileSync(path, 'utf8')
    for (const { d } of clear.receipt_keys) expect(text).not.toContain(d)
    expect(text).not.toMatch(/PRIVATE|"d"/)
    const opened = await openKeys(readKeyFile(path, { create: false }), origin, kms)
    expect(opened.receiptKeys).toEqual(clear.receipt_keys)
    expect(opened.signer.verifierKey).toBe((await openKeys(clear, origin, kms)).signer.verifierKey)
  })

  test('moves to another key of the KMS without changing what is in it', async () => {
    const clear = generateAuditKeys()
    const other = server.createKey('SYMMETRIC_DEFAULT')
    const moved = await sealKeys(await sealKeys(clear, sealer, kms), other, kms)
    expect(JSON.stringify(moved)).not.toContain(sealer)
    expect((await openKeys(moved, origin, kms)).receiptKeys).toEqual(clear.receipt_keys)
  })

  test('takes nbf and exp as any key does, and no secret under the name of another', async () => {
    const first = await sealKeys(generateAuditKeys(), sealer, kms)
    const second = await sealKeys(generateAuditKeys(), sealer, kms)
    const [one, two] = [first.receipt_keys[0], second.receipt_keys[0]]
    if (!one || !two || !('sealed' in one) || !('sealed' in two)) throw new Error('nothing was sealed')
    const retired = { ...first, receipt_keys: [{ ...one, exp: 2_000_000_000 }] }
    expect((await openKeys(retired, origin, kms)).receiptKeys).toMatchObject([{ exp: 2_000_000_000 }])
    for (const stolen of [
      { ...two, sealed: one.sealed },
      { ...one, kid: two.kid },
    ])
      await expect(openKeys({ ...first, receipt_keys: [stolen] }, origin, kms)).rejects.toThrow(
        'Decrypt: InvalidCiphertextException',
      )
  })

  test.each([
    ['a secret beside the seal', { kms_key: 'k', sealed: 'AAAA', d: 'in the clear' }],
    ['a seal without its key', { sealed: 'AAAA' }],
    ['what is not base64', { kms_key: 'k', sealed: '***' }],
  ])('is refused with %s', (_, key) => {
    const path = join(folder, 'bad.json')
    writeFileSync(path, JSON.stringify({ log_key: 'PEM', receipt_keys: [key] }))
    expect(() => readKeyFile(path, { create: false })).toThrow('Signing keys')
  })

  test('that the KMS does not open ends the start with a sentence', async () => {
    const keys = await sealKeys(generateAuditKeys(), sealer, kms)
    server.fail('AccessDeniedException')
    await expect(startHttpWorld({ logKeys: keys })).rejects.toThrow(
      'The KMS does not open the keys of AUDIT_KEY_FILE (Decrypt: AccessDeniedException)',
    )
  })
})

describe('a log key in the KMS', () => {
  test('that did not sign the last head signs nothing', async () => {
    const world = await openLog()
    try {
      const { store } = world
      const { signer } = await openKeys(inKms(), origin, kms)
      const now = () => new Date()
      await recordEvents(world.deps, 'acct_t', [record('e1')])
      await (
        await beginSequencing({ store, origin }, await world.fence())
      )()
      server.fail('ThrottlingException')
      const fence = await world.fence()
      await expect(publishCheckpoint({ store, origin, signer, now }, fence)).rejects.toThrow('Throttling')
      expect(await oldestUnpublished(store, origin)).toEqual(expect.any(Date))
      server.fail(undefined)
      await publishCheckpoint({ store, origin, signer, now }, fence)
      expect(await oldestUnpublished(store, origin)).toBeUndefined()
      await requireOwnLog(store, { origin, signer })
      const other = await openKeys(inKms(server.createKey('ECC_NIST_EDWARDS25519')), origin, kms)
      await expect(requireOwnLog(store, { origin, signer: other.signer })).rejects.toBeInstanceOf(ForeignLog)
    } finally {
      await world.close()
    }
  })

  test('behind an alias that was pointed elsewhere signs nothing, and one of another kind neither', async () => {
    server.alias('alias/log', logKey)
    const { signer } = await openKeys(inKms('alias/log'), origin, kms)
    server.alias('alias/log', server.createKey('ECC_NIST_EDWARDS25519'))
    await expect(signer.sign(Buffer.from('a head\n'))).rejects.toMatchObject({ code: 'refused' })
    const wrong = inKms(server.createKey('ECC_NIST_P256'))
    await expect(openKeys(wrong, origin, kms)).rejects.toThrow(
      'ECC_NIST_EDWARDS25519 for SIGN_VERIFY is needed',
    )
  })
})

test('a copy is ready once the KMS would sign for it, and stays so when the KMS goes away', async () => {
  const { checks } = await openKeys(inKms(), origin, kms)
  server.fail('AccessDeniedException', ['Sign'])
  await expect(checks['log_key']?.()).rejects.toMatchObject({ code: 'refused' })
  server.fail(undefined)
  await checks['log_key']?.()
  server.fail('drop')
  await checks['log_key']?.()
})

test('an outage of the KMS delays checkpoints, is told, and loses no receipt', async () => {
  const world = await startHttpWorld({ logKeys: await sealKeys(inKms(), sealer, kms) })
  try {
    const { call, service } = world
    const checks = async () => {
      const { status, json } = await call('/readyz')
      return [status, z.looseObject({ checks: z.unknown() }).parse(json).checks]
    }
    const checkpoint = async () => {
      const { status, text } = await call('/log/checkpoint')
      return status === 200 ? verifyNote(text, [service.logKey]).text.split('\n')[1] : undefined
    }
    expect(await checks()).toEqual([200, { store: 'ok', log_key: 'ok' }])
    const key = await world.keyOf('acct_t')
    await world.record(key, [{ event: 'e1' }])
    await until(async () => (await checkpoint()) === '1' || undefined)

    server.fail('KMSInternalException')
    const [given] = await world.record(key, [{ event: 'e2' }])
    const failures = /tallystick_kms_failures_total\{operation="Sign",reason="unreachable"\} [1-9]/
    await until(async () => failures.test((await call('/metrics')).text) || undefined)
    expect(await checkpoint()).toBe('1')
    expect(await checks()).toEqual([200, { store: 'ok', log_key: 'ok' }])
    server.fail(undefined)
    const keySet = parseKeySet((await call('/.well-known/jwks.json')).json)
    await expect(verifyReceipt(given?.receipt ?? '', keySet)).resolves.toBeDefined()
    await until(async () => (await checkpoint()) === '2' || undefined)
  } finally {
    await world.close()
  }
})
