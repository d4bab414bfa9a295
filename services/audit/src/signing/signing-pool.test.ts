import { once } from 'node:events'
import type { Worker } from 'node:worker_threads'
import {
  bodyDigest,
  generateSigningKey,
  parseKeySet,
  verifyReceipt,
  type ReceiptPayload,
} from '@tallystick/receipt'
import { afterEach, describe, expect, it } from 'vitest'
import { signingPool, type SigningPool, type SigningPoolOptions } from './signing-pool.ts'

const iat = 1_768_746_120
const key = generateSigningKey('ES256')
const keySet = parseKeySet({ keys: [key.publicJwk] })

function payloads(count: number, issued = iat): ReceiptPayload[] {
  return Array.from({ length: count }, (_, index) => ({
    iss: 'log.example/audit',
    jti: 'aud_01kqxq5t8r0000000000000000',
    iat: issued,
    kind: 'training.usage',
    event: `evt_${index}`,
    actor: 'acct_1',
    licenses: ['lic_1'],
    items: [],
    body: bodyDigest(new Uint8Array(32), { index }),
    merge_by: issued + 60,
  }))
}

const open: SigningPool[] = []
const workers: Worker[] = []
process.on('worker', (worker) => workers.push(worker))

function start(options: Partial<SigningPoolOptions> = {}): SigningPool {
  const pool = signingPool({ keys: key.privateJwk, threads: 2, ...options })
  open.push(pool)
  return pool
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((pool) => pool.close()))
  workers.length = 0
})

describe('signReceipts', () => {
  it.each([0, 1, 2, 63, 64, 65, 129, 1000])('signs %i payloads and keeps their order', async (count) => {
    const batch = payloads(count)
    const receipts = await start().signReceipts(batch)
    const verified = await Promise.all(receipts.map((receipt) => verifyReceipt(receipt, keySet)))
    expect(verified.map(({ payload }) => payload)).toEqual(batch)
  })

  it('keeps batches apart that are under way at once', async () => {
    const pool = start()
    const sizes = [1, 300, 7, 0, 130]
    const answers = await Promise.all(sizes.map((size) => pool.signReceipts(payloads(size, iat + size))))
    expect(answers.map((receipts) => receipts.length)).toEqual(sizes)
    for (const [index, receipts] of answers.entries()) {
      for (const receipt of receipts) {
        const { payload } = await verifyReceipt(receipt, keySet)
        expect(payload.iat).toBe(iat + (sizes[index] ?? 0))
      }
    }
  })

  it('signs all of a batch or nothing', async () => {
    const pool = start()
    const batch = payloads(200)
    batch[150] = { ...payloads(1, iat)[0]!, merge_by: iat - 1 }
    await expect(pool.signReceipts(batch)).rejects.toMatchObject({
      name: 'ReceiptError',
      code: 'bad_payload',
    })
    await expect(pool.signReceipts(payloads(3))).resolves.toHaveLength(3)
  })

  it('lets a successor take over at its nbf, without a restart', async () => {
    const next = generateSigningKey('EdDSA', { nbf: iat + 1 })
    const pool = start({ keys: [key.privateJwk, next.privateJwk] })
    const both = parseKeySet({ keys: [key.publicJwk, next.publicJwk] })
    const receipts = await pool.signReceipts([...payloads(1), ...payloads(1, iat + 1)])
    const verified = await Promise.all(receipts.map((receipt) => verifyReceipt(receipt, both)))
    expect(verified.map(({ kid }) => kid)).toEqual([key.kid, next.kid])
  })

  it('signs nothing when no key covers the time of a receipt', async () => {
    const pool = start({ keys: { ...key.privateJwk, exp: iat } })
    await expect(pool.signReceipts(payloads(1))).rejects.toMatchObject({ code: 'key_not_valid_then' })
  })
})

describe('a thread that dies', () => {
  it('rejects its jobs, is told of, and is replaced', async () => {
    const deaths: unknown[] = []
    const pool = start({ threads: 1, onDeath: (cause) => deaths.push(cause) })
    await pool.signReceipts(payloads(1))
    const doomed = pool.signReceipts(payloads(500))
    await Promise.all([
      expect(doomed).rejects.toMatchObject({ name: 'SigningPoolError', code: 'thread_died' }),
      workers[0]?.terminate(),
    ])
    expect(deaths).toHaveLength(1)
    await expect(pool.signReceipts(payloads(100))).resolves.toHaveLength(100)
    expect(workers).toHaveLength(2)
  })

  it('is told of when it dies idle, too', async () => {
    const deaths = Promise.withResolvers<unknown>()
    const pool = start({ threads: 1, onDeath: deaths.resolve })
    await pool.signReceipts(payloads(1))
    await workers[0]?.terminate()
    await expect(deaths.promise).resolves.toMatchObject({ message: 'the signing thread exited' })
    await expect(pool.signReceipts(payloads(1))).resolves.toHaveLength(1)
  })

  it('is a warning of the process unless somebody listens', async () => {
    const pool = start({ threads: 1 })
    await pool.signReceipts(payloads(1))
    const warned = once(process, 'warning')
    await workers[0]?.terminate()
    expect(await warned).toMatchObject([{ name: 'SigningPoolWarning' }])
  })

  it('before it came up, rejects what waits and comes back with the next batch', async () => {
    const pool = start({ threads: 1, onDeath: () => undefined })
    const doomed = pool.signReceipts(payloads(500))
    await new Promise((resolve) => setImmediate(resolve))
    await Promise.all([
      expect(doomed).rejects.toMatchObject({ code: 'thread_died' }),
      workers[0]?.terminate(),
    ])
    await expect(pool.signReceipts(payloads(1))).resolves.toHaveLength(1)
  })
})

describe('close', () => {
  it('finishes the batches that are under way and takes no more', async () => {
    const pool = start()
    const batch = pool.signReceipts(payloads(600))
    const closed = pool.close()
    await expect(pool.signReceipts(payloads(1))).rejects.toMatchObject({ code: 'closed' })
    await closed
    await expect(batch).resolves.toHaveLength(600)
    await expect(pool.close()).resolves.toBeUndefined()
  })

  it('ends a pool that never signed', async () => {
    await expect(start().close()).resolves.toBeUndefined()
  })
})

describe('signingPool', () => {
  it('refuses a key that cannot sign where it is started', () => {
    const { d } = generateSigningKey('ES256').privateJwk
    expect(() => start({ keys: { ...key.privateJwk, d } })).toThrow(
      expect.objectContaining({ code: 'bad_key' }),
    )
  })

  it.each([0, -1, 1.5, Number.NaN])('refuses %d threads', (threads) => {
    expect(() => start({ threads })).toThrow(RangeError)
  })
})
