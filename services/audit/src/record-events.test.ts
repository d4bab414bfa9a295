import { auditIdOf, receiptEntry, verifyReceipt } from '@tallystick/receipt'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { queue, receipts } from './collections.ts'
import { eraseBodies } from './erase-bodies.ts'
import { logDeps, openLog, origin, record } from './log-world.ts'
import type { LogWorld } from './log-world.ts'
import { splitEntries } from './log-reader.ts'
import { maxRecordBytes, recordEvents } from './record-events.ts'
import type { RecordOutcome } from './record-events.ts'

let world: LogWorld
beforeEach(async () => {
  world = await openLog()
})
afterEach(() => world.close())

function receiptOf(outcome: RecordOutcome | undefined): string {
  if (!outcome || outcome.status === 'refused') throw new Error(`no receipt: ${JSON.stringify(outcome)}`)
  return outcome.receipt.receipt
}

/** The receipts that wait for their place, each as often as it waits. */
async function waiting(): Promise<string[]> {
  const ids: string[] = []
  for await (const call of world.store.scanAll(queue)) ids.push(...call.receipts)
  return ids.toSorted()
}

async function stored(): Promise<number> {
  let count = 0
  for await (const receipt of world.store.scanAll(receipts)) if (receipt.id) count++
  return count
}

const statuses = (outcomes: RecordOutcome[]) => outcomes.map(({ status }) => status)

test('a receipt says what was recorded, verifies, and waits for its place', async () => {
  const [outcome] = await recordEvents(world.deps, 'acct_t', [
    record('evt_1', { usage: { metric: 'tokens', quantity: '7' }, data: { note: 'private' } }),
  ])
  const jws = receiptOf(outcome)
  const { payload } = await verifyReceipt(jws, world.deps.keySet())
  expect(payload).toMatchObject({ iss: origin, event: 'evt_1', jti: auditIdOf('acct_t', 'evt_1') })
  expect(payload.merge_by - payload.iat).toBe(60)
  expect(JSON.stringify(payload)).not.toContain('private')
  const { items } = await world.store.find(queue.byTime, { equals: [origin] })
  expect(items.flatMap(({ entries }) => splitEntries(entries).map((entry) => Buffer.from(entry)))).toEqual([
    Buffer.from(receiptEntry(jws)),
  ])
})

test('the same event again gives the same receipt and no second entry', async () => {
  const [first] = await recordEvents(world.deps, 'acct_t', [record('evt_1')])
  const [again] = await recordEvents(world.deps, 'acct_t', [record('evt_1')])
  expect(again?.status).toBe('duplicate')
  expect(receiptOf(again)).toBe(receiptOf(first))
  expect(await waiting()).toHaveLength(1)
})

test('after its event was erased, a repetition must still say what the receipt says, the usage too', async () => {
  const usage = { metric: 'tokens', quantity: '7' }
  const [first] = await recordEvents(world.deps, 'acct_t', [record('evt_1', { usage, data: { note: 'a' } })])
  await eraseBodies(world.deps, 'acct_t', { events: ['evt_1'] })
  const again = await recordEvents(world.deps, 'acct_t', [
    record('evt_1', { usage, data: { note: 'a' } }),
    record('evt_1', { usage: { ...usage, quantity: '8' } }),
    record('evt_1'),
    record('evt_1', { usage, actor: 'acct_other' }),
  ])
  expect(statuses(again)).toEqual(['duplicate', 'refused', 'refused', 'refused'])
  expect(receiptOf(again[0])).toBe(receiptOf(first))
})

test('the event id of another tenant is another event', async () => {
  const [a] = await recordEvents(world.deps, 'acct_a', [record('evt_1')])
  const [b] = await recordEvents(world.deps, 'acct_b', [record('evt_1', { actor: 'acct_x' })])
  expect([a?.status, b?.status]).toEqual(['recorded', 'recorded'])
  expect(receiptOf(a)).not.toBe(receiptOf(b))
})

const changes: [string, Parameters<typeof record>[1]][] = [
  ['actor', { actor: 'acct_b' }],
  ['kind', { kind: 'training.other' }],
  ['licenses', { licenses: ['lic_2'] }],
  ['usage', { usage: { metric: 'tokens', quantity: '1' } }],
  ['private data', { data: { a: 1 } }],
  ['time', { occurred_at: '2026-01-01T00:00:00.000Z' }],
]
test.each(changes)('the same event with another %s is a conflict, and the rest stands', async (_, change) => {
  const [first] = await recordEvents(world.deps, 'acct_t', [record('evt_1')])
  const outcomes = await recordEvents(world.deps, 'acct_t', [
    record('evt_0'),
    record('evt_1', change),
    record('evt_2'),
  ])
  expect(statuses(outcomes)).toEqual(['recorded', 'refused', 'recorded'])
  expect(outcomes[1]).toMatchObject({ event: 'evt_1', error: { code: 'event_conflict' } })
  const [unchanged] = await recordEvents(world.deps, 'acct_t', [record('evt_1')])
  expect(receiptOf(unchanged)).toBe(receiptOf(first))
  expect(await waiting()).toHaveLength(3)
})

test('twins within one call are one event; a false twin is a conflict', async () => {
  const outcomes = await recordEvents(world.deps, 'acct_t', [
    record('evt_1'),
    record('evt_1'),
    record('evt_1', { actor: 'acct_other' }),
    record('evt_2'),
  ])
  expect(statuses(outcomes)).toEqual(['recorded', 'duplicate', 'refused', 'recorded'])
  expect(receiptOf(outcomes[1])).toBe(receiptOf(outcomes[0]))
  expect(await waiting()).toHaveLength(2)
})

test('a record that is too large is refused by itself and leaves nothing', async () => {
  const data = { text: 'x'.repeat(maxRecordBytes) }
  const outcomes = await recordEvents(world.deps, 'acct_t', [record('evt_1', { data }), record('evt_2')])
  expect(statuses(outcomes)).toEqual(['refused', 'recorded'])
  expect(outcomes[0]).toMatchObject({ error: { code: 'payload_too_large' } })
  expect(await stored()).toBe(1)
})

test('a call beyond one commit is split, and every receipt waits once', async () => {
  const data = { text: 'x'.repeat(60_000) }
  const records = Array.from({ length: 100 }, (_, n) => record(`evt_${n}`, { data }))
  const outcomes = await recordEvents(world.deps, 'acct_t', records)
  expect(new Set(statuses(outcomes))).toEqual(new Set(['recorded']))
  expect(await waiting()).toEqual(records.map(({ event }) => auditIdOf('acct_t', event)).toSorted())
  expect(new Set(await waiting()).size).toBe(100)
})

test('racing identical calls through two stores end in one receipt for each event', async () => {
  const other = logDeps(await world.secondStore())
  const calls = Array.from({ length: 8 }, (_, n) =>
    recordEvents(
      n % 2 ? other : world.deps,
      'acct_t',
      // Overlapping, not equal: each call also has an event of its own.
      [...Array.from({ length: 20 }, (__, m) => record(`evt_${m}`)), record(`own_${n}`)],
    ),
  )
  const answers = await Promise.all(calls)
  for (let place = 0; place < 20; place++) {
    expect(new Set(answers.map((outcomes) => receiptOf(outcomes[place]))).size).toBe(1)
    expect(answers.filter((outcomes) => outcomes[place]?.status === 'recorded')).toHaveLength(1)
  }
  expect(answers.map((outcomes) => outcomes[20]?.status)).toEqual(calls.map(() => 'recorded'))
  const ids = await waiting()
  expect(ids).toHaveLength(28)
  expect(new Set(ids).size).toBe(28)
  expect(await stored()).toBe(28)
})

test('racing calls with different content: one wins, the others are told', async () => {
  const other = logDeps(await world.secondStore())
  const answers = await Promise.all(
    ['a', 'b', 'c', 'd'].map((actor, n) =>
      recordEvents(n % 2 ? other : world.deps, 'acct_t', [record('evt_1', { actor })]),
    ),
  )
  expect(answers.map(([outcome]) => outcome?.status ?? '').toSorted()).toEqual([
    'recorded',
    'refused',
    'refused',
    'refused',
  ])
  expect(await waiting()).toHaveLength(1)
})

test('what could not be signed leaves nothing behind', async () => {
  const broken = { ...world.deps, signReceipts: () => Promise.reject(new Error('the key is away')) }
  await expect(recordEvents(broken, 'acct_t', [record('evt_1')])).rejects.toThrow('the key is away')
  expect(await stored()).toBe(0)
  expect(await waiting()).toEqual([])
})
