import { problemOf, readAnswer, until } from '@tallystick/runtime/test-http'
import { createHash } from 'node:crypto'
import { auditReceipt, listOf, auditRecordDetail } from '@tallystick/protocol'
import { generateSigningKey, verifyReceipt } from '@tallystick/receipt'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { receipts } from './collections.ts'
import { startHttpWorld } from './http-world.ts'
import type { HttpWorld } from './http-world.ts'
import { publishKeys } from './published-keys.ts'
import { recordOutcome } from './schemas.ts'

const outcomes = z.strictObject({ object: z.literal('record_outcomes'), data: z.array(recordOutcome) })
const page = listOf(auditReceipt)
const hashA = `sha256:${'a'.repeat(64)}`
const hashB = `sha256:${'b'.repeat(64)}`

let world: HttpWorld
let keyA: string
let keyB: string

beforeAll(async () => {
  world = await startHttpWorld()
  keyA = await world.keyOf('acct_a')
  keyB = await world.keyOf('acct_b')
})
afterAll(() => world.close())

async function receiptCount(): Promise<number> {
  let count = 0
  for await (const _ of world.service.store.scanAll(receipts)) count++
  return count
}

test('one call records what is new, gives the first receipt of what is not, and refuses a conflict', async () => {
  const key = await world.keyOf('acct_calls')
  const [first] = await world.record(key, [{ event: 'evt_1' }])
  const records = [
    { event: 'evt_1', kind: 'training.usage', actor: 'acct_a' },
    { event: 'evt_2', kind: 'training.usage', actor: 'acct_a', items: [hashA] },
    { event: 'evt_1', kind: 'training.usage', actor: 'acct_other' },
    { event: 'evt_2', kind: 'training.usage', actor: 'acct_a', items: [hashA] },
  ]
  const { data } = readAnswer(outcomes, await world.call('/v1/audit/records', { key, body: { records } }))
  expect(data.map(({ status }) => status)).toEqual(['duplicate', 'recorded', 'refused', 'duplicate'])
  const told = data.map((outcome) => (outcome.status === 'refused' ? outcome.error.code : outcome.receipt.id))
  expect(told).toEqual([first?.id, told[1], 'event_conflict', told[1]])
})

test('a receipt is got with its event and salt, which give the digest that it promises', async () => {
  const data = { note: 'Grüße', $set: 1, constructor: { prototype: null } }
  const [made] = await world.record(keyA, [{ event: 'evt_got', items: [hashA], data }])
  const got = readAnswer(auditRecordDetail, await world.call(`/v1/audit/${made?.id}`, { key: keyA }))
  expect(JSON.parse(got.body?.event ?? '')).toMatchObject({ event: 'evt_got', data })
  const salt = Buffer.from(got.body?.salt ?? '', 'hex')
  const digest = createHash('sha256')
    .update(salt)
    .update(got.body?.event ?? '')
    .digest('hex')
  const jwks = readAnswer(z.object({ keys: z.array(z.any()) }), await world.call('/.well-known/jwks.json'))
  const { payload } = await verifyReceipt(got.receipt, jwks)
  expect(payload).toMatchObject({ jti: made?.id, body: `sha256:${digest}`, items: [hashA] })
})

describe('lists', () => {
  let key: string
  let ids: string[]
  const list = async (query: string) => readAnswer(page, await world.call(`/v1/audit?${query}`, { key }))
  const idsOf = async (query: string) => (await list(query)).data.map(({ id }) => id)

  beforeAll(async () => {
    key = await world.keyOf('acct_lists')
    const made = await world.record(
      key,
      Array.from({ length: 25 }, (_, index) => ({
        event: `evt_${index}`,
        kind: index % 5 === 0 ? 'model.output' : 'training.usage',
        actor: index % 2 === 0 ? 'acct_even' : 'acct_odd',
        licenses: index < 10 ? ['lic_1', 'lic_2'] : ['lic_2'],
        items: index < 3 ? [hashA, hashB] : [hashB],
      })),
    )
    ids = made.map(({ id }) => id)
    await world.record(keyB, [
      { event: 'evt_foreign', actor: 'acct_even', licenses: ['lic_1'], items: [hashA] },
    ])
  })

  test.each([
    ['license=lic_1', (index: number) => index < 10],
    ['license=lic_2', () => true],
    [`item=${hashA}`, (index: number) => index < 3],
    ['actor=acct_odd', (index: number) => index % 2 === 1],
    ['kind=model.output', (index: number) => index % 5 === 0],
    ['created_from=2020-01-01T00:00:00Z', () => true],
    ['created_before=2020-01-01T00:00:00Z', () => false],
    ['created_from=2999-01-01T00:00:00.000Z&kind=model.output', () => false],
    ['created_from=2030-01-01T00:00:00Z&created_before=2020-01-01T00:00:00Z', () => false],
    ['kind=nothing.such', () => false],
  ])('%s gives the tenant’s own that match, and no more', async (query, matches) => {
    const found = await idsOf(`${query}&limit=100`)
    expect(found.toSorted()).toEqual(ids.filter((_, index) => matches(index)).toSorted())
  })

  test.each(['', 'license=lic_2&'])('cursors lead to the end once, and back again: %s', async (filter) => {
    const whole = await idsOf(`${filter}limit=100`)
    const seen: string[] = []
    let cursor: string | undefined
    let last = ''
    do {
      const part = await list(`${filter}limit=7${cursor ? `&starting_after=${cursor}` : ''}`)
      expect(part.has_more).toBe(part.next_cursor !== undefined)
      seen.push(...part.data.map(({ id }) => id))
      cursor = part.next_cursor
      if (cursor) last = cursor
    } while (cursor)
    expect(seen).toEqual(whole)
    const back: string[] = []
    cursor = last
    do {
      const part = await list(`${filter}limit=6&ending_before=${cursor}`)
      back.unshift(...part.data.map(({ id }) => id))
      cursor = part.next_cursor
    } while (cursor)
    // The cursor is of the 21st, which is not before itself.
    expect(back).toEqual(whole.slice(0, 20))
  })

  test('a cursor of another tenant, another list or nobody is refused where it stands', async () => {
    const { next_cursor: own = '' } = await list('limit=1')
    // What the list is called stands before the storage's own cursor.
    const [name10, bytes] = [own.slice(0, 10), Buffer.from(own.slice(10), 'base64url')]
    const time = bytes.indexOf(Buffer.from([0x09, 0x31, 0x00]))
    expect(time).toBeGreaterThan(0)
    const forged = (type: number, fill: number) => {
      const copy = Buffer.from(bytes)
      copy[time] = type
      return name10 + copy.fill(fill, time + 3, time + 11).toString('base64url')
    }
    for (const [cursor, caller, query] of [
      [own, keyB, ''],
      [own, key, 'license=lic_2&'],
      ['garbled', key, ''],
      ['%00', key, ''],
      [own.slice(0, -9), key, ''],
      ['', key, ''],
    ] as const) {
      for (const name of ['starting_after', 'ending_before']) {
        const answer = await world.call(`/v1/audit?${query}${name}=${cursor}`, { key: caller })
        expect([answer.status, problemOf(answer).errors?.[0]?.pointer], cursor).toEqual([400, `/${name}`])
      }
    }
    // A time as a number, one that no Date can have, and one that is no number: never more than their own receipts.
    for (const cursor of [forged(0x12, 1), forged(0x09, 0x7f), forged(0x01, 0xff)]) {
      const answer = await world.call(`/v1/audit?starting_after=${cursor}&limit=100`, { key })
      expect(answer.status).toBeLessThan(500)
      if (answer.status === 200)
        expect(ids).toEqual(expect.arrayContaining(readAnswer(page, answer).data.map(({ id }) => id)))
    }
    const both = await world.call(`/v1/audit?starting_after=${own}&ending_before=${own}`, { key })
    expect([both.status, problemOf(both).code]).toEqual([400, 'validation_failed'])
    const anchors = await world.call('/v1/anchors?ending_before=garbled')
    expect(problemOf(anchors).errors?.[0]?.pointer).toBe('/ending_before')
    expect(readAnswer(listOf(z.unknown()), await world.call('/v1/anchors'))).toMatchObject({
      data: [],
      has_more: false,
    })
  })
})

test('another tenant’s receipt answers as one that is not there, byte for byte', async () => {
  const [mine] = await world.record(keyA, [{ event: 'evt_mine' }])
  const missing = `aud_${'0'.repeat(26)}`
  for (const suffix of ['', '/proof', '/evidence']) {
    const [foreign, none] = await Promise.all(
      [mine?.id, missing].map(async (id) => {
        const answer = await world.call(`/v1/audit/${id}${suffix}`, { key: keyB })
        // These differ from request to request: what is left of the plan depends on when one is counted.
        const ofRequest = new Set(['request-id', 'date', 'ratelimit'])
        const headers = [...answer.headers].filter(([name]) => !ofRequest.has(name))
        const { request_id, instance } = problemOf(answer)
        const text = answer.text.replace(request_id, 'req').replace(instance, 'here')
        return { status: answer.status, headers, text }
      }),
    )
    expect(none?.status).toBe(404)
    expect(foreign).toEqual(none)
  }
})

test('a receipt key that another copy publishes is told here too', async () => {
  const { privateJwk: key } = generateSigningKey('ES256')
  const { store } = world.service
  await publishKeys({ store, origin: 'log.example/http', now: () => new Date() }, [key])
  await until(async () => {
    const { text } = await world.call('/.well-known/jwks.json')
    return text.includes(key.kid) ? true : undefined
  })
})

test('no key and a bad key are 401, a key without the scope is 403', async () => {
  const [made] = await world.record(keyA, [{ event: 'evt_scoped' }])
  const [reader, writer] = [
    await world.keyOf('acct_a', ['audit:read']),
    await world.keyOf('acct_a', ['audit:write']),
  ]
  const body = { records: [{ event: 'evt_never', kind: 'training.usage', actor: 'acct_a' }] }
  const reads = [
    '/v1/audit',
    ...['', '/proof', '/evidence'].map((suffix) => `/v1/audit/${made?.id}${suffix}`),
  ]
  const before = await receiptCount()
  for (const path of [...reads, '/v1/audit/records']) {
    const writes = path.endsWith('/records')
    const sent = writes ? { body } : {}
    for (const key of [undefined, 'sk_test_x', `${keyA.slice(0, -1)}_`, keyA.replace('test', 'live')]) {
      const answer = await world.call(path, { ...sent, key })
      expect([answer.status, answer.headers.get('www-authenticate')], path).toEqual([401, 'Bearer'])
      expect(problemOf(answer).code).toBe('unauthorized')
    }
    const answer = await world.call(path, { ...sent, key: writes ? reader : writer })
    expect([answer.status, problemOf(answer).code], path).toEqual([403, 'forbidden'])
  }
  expect(await receiptCount()).toBe(before)
})

describe('bad input is refused with its reason and changes nothing', () => {
  const good = { event: 'evt_bad', kind: 'training.usage', actor: 'acct_a' }
  const one = (more: object) => ({ records: [{ ...good, ...more }] })
  const raw = (text: string) => `{"records":[{"event":"e","kind":"a.b","actor":"c"${text}}]}`
  const json = { 'content-type': 'application/json' }
  const invalid = [400, 'validation_failed']
  const notJson = [400, 'invalid_json']
  const posts: [string, unknown, (number | string)[], Record<string, string>?][] = [
    ['no body', '', notJson],
    ['an empty list', { records: [] }, invalid],
    ['1,001 records', { records: Array.from({ length: 1001 }, () => good) }, invalid],
    ['no records', {}, invalid],
    ['a list as the body', [good], invalid],
    ['null', 'null', invalid],
    ['text as the body', '"records"', invalid],
    ['records that are no list', { records: { 0: good, length: 1 } }, invalid],
    ['one bad among good ones', { records: [good, { ...good, event: '' }] }, invalid],
    ['a $-key', one({ $where: 'sleep(1)' }), invalid],
    ['an operator for a text', one({ event: { $gt: '' } }), invalid],
    ['__proto__', raw(',"__proto__":{"admin":true}'), notJson],
    ['__proto__ deep in data', raw(',"data":{"a":[{"__proto__":1}]}'), notJson],
    ['an escaped __proto__', raw(String.raw`,"data":{"\u005f_proto__":1}`), notJson],
    ['duplicate members', raw(',"actor":"d"'), notJson],
    ['an escaped duplicate', raw(String.raw`,"\u0061ctor":"d"`), notJson],
    ['a number beyond doubles', raw(',"data":{"n":1e999}'), notJson],
    ['a lone surrogate', raw(String.raw`,"data":{"a":"\ud800"}`), notJson],
    ['deep nesting', raw(`,"data":{"a":${'['.repeat(5000)}${']'.repeat(5000)}}`), notJson],
    ['a quantity as a number', one({ usage: { metric: 'tokens', quantity: 1 } }), invalid],
    ['a huge quantity', one({ usage: { metric: 'tokens', quantity: '9'.repeat(400) } }), invalid],
    ['a negative quantity', one({ usage: { metric: 'tokens', quantity: '-1' } }), invalid],
    ['a number for the event', one({ event: 7 }), invalid],
    ['a control character', one({ actor: 'a\u0000b' }), invalid],
    ['a long event', one({ event: 'e'.repeat(201) }), invalid],
    ['a kind without a dot', one({ kind: 'training' }), invalid],
    ['a bad date', one({ occurred_at: '2026-02-30T00:00:00Z' }), invalid],
    ['a date with an offset', one({ occurred_at: '2026-02-03T00:00:00+02:00' }), invalid],
    ['upper-case hex', one({ items: [`sha256:${'A'.repeat(64)}`] }), invalid],
    ['another hash', one({ items: [`sha1:${'a'.repeat(40)}`] }), invalid],
    ['1,001 items', one({ items: Array.from({ length: 1001 }, () => hashA) }), invalid],
    ['101 licenses', one({ licenses: Array.from({ length: 101 }, () => 'lic_1') }), invalid],
    ['an unknown field', one({ price: 1 }), invalid],
    ['an unknown field beside', { ...one({}), tenant: 'acct_b' }, invalid],
    ['half of the JSON', '{"records":[', notJson],
    ['invalid UTF-8', Buffer.from(raw(',"data":{"a":"\u00ff"}'), 'latin1'), notJson],
    ['UTF-16', Buffer.from(JSON.stringify(one({})), 'utf16le'), notJson],
    [
      'text/plain',
      JSON.stringify(one({})),
      [415, 'unsupported_media_type'],
      { 'content-type': 'text/plain' },
    ],
    [
      'a form',
      'records=1',
      [415, 'unsupported_media_type'],
      { 'content-type': 'application/x-www-form-urlencoded' },
    ],
    ['5 MiB', one({ data: { a: 'x'.repeat(5 * 1024 * 1024) } }), [413, 'payload_too_large']],
  ]

  test('to record', async () => {
    const before = await receiptCount()
    for (const [name, body, expected, headers = json] of posts) {
      const answer = await world.call('/v1/audit/records', { key: keyA, body, headers })
      expect([answer.status, problemOf(answer).code], name).toEqual(expected)
    }
    expect(await receiptCount()).toBe(before)
  })

  test.each([
    ['limit=0', '/limit'],
    ['limit=101', '/limit'],
    ['limit=1e1000', '/limit'],
    ['limit=7&limit=8', '/limit'],
    ['item=abc', '/item'],
    ['created_from=yesterday', '/created_from'],
    ['created_before=2026-13-01T00:00:00Z', '/created_before'],
    ['kind=%00', '/kind'],
    ['kind[$ne]=a', '/kind[$ne]'],
    ['actor=a&license=b', '/license'],
    ['tenant=acct_b', '/tenant'],
    ['__proto__=1', '/__proto__'],
  ])('to list: %s', async (query, pointer) => {
    const answer = await world.call(`/v1/audit?${query}`, { key: keyA })
    expect([answer.status, problemOf(answer).errors?.[0]?.pointer]).toEqual([400, pointer])
  })

  test.each(['aud_1', 'lic_00000000000000000000000000', '%00', `aud_${'u'.repeat(26)}`, 'x'.repeat(900)])(
    'to get: %s',
    async (id) => {
      const answer = await world.call(`/v1/audit/${id}`, { key: keyA })
      expect([answer.status, problemOf(answer).code]).toEqual(invalid)
    },
  )
})
