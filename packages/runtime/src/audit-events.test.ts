import type { AuditRecord } from '@tallystick/protocol'
import { openStore } from '@tallystick/storage'
import { testDatabase } from '@tallystick/storage/test-database'
import { expect, test } from 'vitest'
import { auditEvent, auditEvents, auditRelay } from './audit-events.ts'
import { leases, leaseTerms } from './lease.ts'
import { createLog } from './log.ts'
import { outbox, outboxEvent } from './outbox.ts'
import { until } from './test-http.ts'

const at = new Date('2026-01-01T00:00:00Z')

test('records that are packed together arrive one by one, in order, each by its own event id', async () => {
  const database = await testDatabase()
  const store = await openStore(database.url, {
    name: 'audit-test',
    collections: [outbox, leases, leaseTerms],
  })
  const records = Array.from({ length: 1500 }, (_, place): AuditRecord => {
    const data = { text: '💥'.repeat(place === 700 ? 30_000 : 600) }
    return { event: `evt_${place}`, kind: 'usage.reported', actor: 'acct_a', licenses: [], items: [], data }
  })
  const lone = { kind: 'thing.made', actor: 'acct_a', licenses: [], items: [] }
  const first = auditEvent({ id: 'evt_first', tenant: 'acct_a', at, record: lone })
  // As it was written when a lone record was the event's data itself.
  const given = { id: 'evt_old', tenant: 'acct_a', at, type: 'x', stream: 'audit', data: { ...lone } }
  const old = outboxEvent(given)
  const packed = auditEvents({ tenant: 'acct_a', at, records })
  expect(packed.length).toBeLessThan(30)
  expect(auditEvents({ tenant: 'acct_a', at, records: [] })).toEqual([])
  await store.commit([
    first,
    old,
    ...packed,
    auditEvent({ id: 'evt_last', tenant: 'acct_a', at, record: lone }),
  ])
  const arrived: AuditRecord[] = []
  const calls: number[] = []
  const sizes: number[] = []
  const relay = auditRelay({
    store,
    owner: 'a',
    now: () => at,
    log: createLog({ name: 'test', level: 'silent' }),
    everyMs: 2,
    ttlMs: 200,
    sink: {
      async record(_, told) {
        calls.push(told.length)
        sizes.push(JSON.stringify(told).length)
        arrived.push(...told)
        return told.map(({ event }) => ({ status: 'recorded', event }))
      },
    },
  })
  await until(() => (arrived.length >= 1503 ? true : undefined))
  await relay.stop()
  expect(arrived).toEqual([
    { event: 'evt_first', ...lone },
    { event: 'evt_old', ...lone },
    ...records,
    { event: 'evt_last', ...lone },
  ])
  expect(Math.max(...calls)).toBeLessThanOrEqual(1000)
  expect(Math.max(...sizes)).toBeLessThanOrEqual(2 ** 20)
  expect(calls.length).toBeLessThan(6)
  await store.close()
  await database.drop()
})
