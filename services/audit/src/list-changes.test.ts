import { problemOf, readAnswer } from '@tallystick/runtime/test-http'
import { listOf } from '@tallystick/protocol'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startHttpWorld } from './http-world.ts'
import type { HttpWorld } from './http-world.ts'
import { administrativeChange } from './schemas.ts'

const page = listOf(administrativeChange)
const digestA = `sha256:${'a'.repeat(64)}`
const digestB = `sha256:${'b'.repeat(64)}`

let world: HttpWorld
let key: string
let stranger: string

beforeAll(async () => {
  world = await startHttpWorld()
  key = await world.keyOf('acct_changes')
  stranger = await world.keyOf('acct_stranger')
  const change = (event: string, actor: string, kind: string, told: Record<string, string>) => ({
    event,
    actor,
    kind,
    data: { change: told },
  })
  await world.record(key, [
    change('evt_1', 'acct_eva', 'policy.created', { subject: 'pol_1', after: digestA }),
    { event: 'evt_2', kind: 'training.usage' },
    change('evt_3', 'acct_eva', 'policy.updated', { subject: 'pol_1', before: digestA, after: digestB }),
    change('evt_4', 'acct_tom', 'terms.updated', { subject: 'tmpl_1', reason: '=HYPERLINK("http://x"),\n1' }),
    change('evt_5', 'acct_tom', 'training.usage', { anything: 'of the caller' }),
    { event: 'evt_6', kind: 'training.usage', data: { change: 'small' } },
  ])
})
afterAll(() => world.close())

const eventsOf = async (query: string) =>
  readAnswer(page, await world.call(`/v1/audit/changes?${query}`, { key }))
    .data.map(({ event }) => event)
    .toSorted()

test('records that say what was changed are listed, and no others', async () => {
  const { data } = readAnswer(page, await world.call('/v1/audit/changes', { key }))
  expect(data.map(({ event }) => event).toSorted()).toEqual(['evt_1', 'evt_3', 'evt_4'])
  const updated = data.find(({ event }) => event === 'evt_3')
  expect(updated).toMatchObject({ subject: 'pol_1', before: digestA, after: digestB, actor: 'acct_eva' })
})

test('changes are found by subject, actor, kind and time', async () => {
  expect(await eventsOf('subject=pol_1')).toEqual(['evt_1', 'evt_3'])
  expect(await eventsOf('actor=acct_tom')).toEqual(['evt_4'])
  expect(await eventsOf('kind=policy.updated')).toEqual(['evt_3'])
  expect(await eventsOf('created_before=2020-01-01T00:00:00.000Z')).toEqual([])
  const both = await world.call('/v1/audit/changes?subject=pol_1&actor=acct_tom', { key })
  expect(problemOf(both)).toMatchObject({ code: 'validation_failed', errors: [{}, {}] })
})

test('a page leads to the next', async () => {
  const seen: string[] = []
  for (let cursor = ''; ;) {
    const answer = await world.call(`/v1/audit/changes?limit=2${cursor}`, { key })
    const { data, next_cursor } = readAnswer(page, answer)
    seen.push(...data.map(({ event }) => event))
    if (next_cursor === undefined) break
    cursor = `&starting_after=${encodeURIComponent(next_cursor)}`
  }
  expect(seen.toSorted()).toEqual(['evt_1', 'evt_3', 'evt_4'])
})

test('nobody sees the changes of another tenant', async () => {
  const { data } = readAnswer(page, await world.call('/v1/audit/changes?subject=pol_1', { key: stranger }))
  expect(data).toEqual([])
  const { text } = await world.call('/v1/audit/changes/export', { key: stranger })
  expect(text).toBe('id,created_at,kind,actor,subject,before,after,reason,receipt_hash\r\n')
})

test('changes are exported as CSV in which nothing is a formula', async () => {
  const { status, headers, text } = await world.call('/v1/audit/changes/export?kind=terms.updated', { key })
  expect(status).toBe(200)
  expect(headers.get('content-type')).toBe('text/csv; charset=utf-8')
  const [, line = ''] = text.split('\r\n')
  expect(line).toContain(`,terms.updated,acct_tom,tmpl_1,,,"'=HYPERLINK(""http://x""),\n1",sha256:`)
})

test('a key that may not read records reads no changes', async () => {
  const writer = await world.keyOf('acct_changes', ['audit:write'])
  for (const path of ['/v1/audit/changes', '/v1/audit/changes/export'])
    expect((await world.call(path, { key: writer })).status).toBe(403)
})
