import type { AuditRecord } from '@tallystick/protocol'
import { openStore } from '@tallystick/storage'
import { testDatabase } from '@tallystick/storage/test-database'
import { expect, test } from 'vitest'
import { auditEvent, auditEvents, auditRelay } from './audit-events.ts'
import { leases, leaseTerms } from './lease.ts'
import { createLog } from './log.ts'
import { outbox } from './outbox.ts'
import { until } from './test-http.ts'

const at = new Date('2026-01-01T00:00:00Z')

test('records that are packed together arrive one by one, in order, each by its own event id', async () => {
  const database = await testDatabase()
  const store = await openStore(database.url, {
    name: 'audit-test',
    collections: [outbox, leases, leaseTerms],
  })
  const records = Array.from({ length: 1500 }, (_, place): AuditRecord => {
    const data = { text: '💥'.repeat(place === 700 ? 30_000 : 20) }
    return { event: `evt_${place}`, kind: 'usage.reported', actor: 'acct_a', licenses: [], items: [], data }
  })
  const lone = { kind: 'thing.made', actor: 'acct_a', licenses: [], items: [] }
  const first = auditEvent({ id: 'evt_first', tenant: 'acct_a', at, record: lone })
  const packed = auditEvents({ tenant: 'acct_a', at, records })
  expect(packed.length).toBeLessThan(6)
  expect(auditEvents({ tenant: 'acct_a', at, records: [] })).toEqual([])
  await store.commit([first, ...packed, auditEvent({ id: 'evt_last', tenant: 'acct_a', at, record: lone })])
  const arrived: AuditRecord[] = []
  const calls: number[] = []
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
        arrived.push(...told)
        return told.map(({ event }) => ({ status: 'recorded', event }))
      },
    },
  })
  await until(() => (arrived.length >= 1502 ? true : undefined))
  await relay.stop()
  expect(arrived).toEqual([{ event: 'evt_first', ...lone }, ...records, { event: 'evt_last', ...lone }])
  expect(Math.max(...calls)).toBeLessThanOrEqual(1000)
  await store.close()
  await database.drop()
})
