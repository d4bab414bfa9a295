import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { tally } from '@tallystick/evidence/tally'
import { afterAll, expect, test } from 'vitest'
import { secp256k1Key } from '../../audit/test/kms-server.ts'
import { testKms } from '../../audit/test/test-kms.ts'
import { publisher } from '../../audit/src/anchoring/chain-world.ts'
import { operatorCommands } from './operator-commands.ts'

const kms = await testKms()
const sealer = kms.createKey('SYMMETRIC_DEFAULT')
const folder = mkdtempSync(join(tmpdir(), 'log-keys-'))
afterAll(() => rmSync(folder, { recursive: true }))

async function run(...args: string[]): Promise<{ status: number; said: string }> {
  const lines: string[] = []
  const io = { out: (line: string) => void lines.push(line), err: (line: string) => void lines.push(line) }
  const status = await tally(args, io, operatorCommands)
  return { status, said: lines.join('\n') }
}

const read = (file: string) => JSON.parse(readFileSync(file, 'utf8')) as unknown

test('keys are made sealed, with the log key in the KMS, and their file is never replaced', async () => {
  const file = join(folder, 'made.json')
  const logKey = kms.createKey('ECC_NIST_EDWARDS25519')
  const args = ['log-keys', 'create', file, '--seal-with', sealer, '--log-key', logKey]
  expect((await run(...args)).status).toBe(0)
  expect(read(file)).toMatchObject({ log_key: { kms_key: logKey }, receipt_keys: [{ kms_key: sealer }] })
  expect(readFileSync(file, 'utf8')).not.toContain('"d"')
  expect(await run(...args)).toEqual({ status: 2, said: expect.stringContaining('there already') })
})

test('keys in the clear are sealed into another file', async () => {
  const [clear, sealed] = [join(folder, 'clear.json'), join(folder, 'sealed.json')]
  expect((await run('log-keys', 'create', clear)).status).toBe(0)
  expect((await run('log-keys', 'seal', clear, sealed, '--seal-with', sealer)).status).toBe(0)
  expect(readFileSync(sealed, 'utf8')).not.toMatch(/PRIVATE|"d"/)
  expect((await run('log-keys', 'seal', clear, join(folder, 'none.json'))).status).toBe(2)
})

test('a key of another kind is refused, in the words of the KMS where it has some', async () => {
  const file = join(folder, 'refused.json')
  const wrong = await run('log-keys', 'create', file, '--log-key', kms.createKey('ECC_NIST_P256'))
  expect(wrong).toEqual({ status: 2, said: expect.stringContaining('ECC_NIST_EDWARDS25519 for SIGN_VERIFY') })
  const missing = await run('log-keys', 'create', file, '--seal-with', 'alias/none')
  expect(missing.said).toContain('Encrypt with alias/none: NotFoundException of account 111122223333')
  expect(() => read(file)).toThrow('ENOENT')
})

test('the account behind a key in the KMS is told before it is funded', async () => {
  const kmsKey = kms.createKey('ECC_SECG_P256K1', secp256k1Key(publisher.privateKey))
  const file = join(folder, 'chains.json')
  writeFileSync(file, JSON.stringify([{ id: 'eip155:1', rpcUrls: ['http://127.0.0.1:1'], kmsKey }]))
  expect(await run('anchor', 'account', file)).toEqual({
    status: 0,
    said: `eip155:1  account ${publisher.address}`,
  })
})
