import { problemOf, readAnswer, until } from '@tallystick/runtime/test-http'
import { createLog, leases, leaseTerms, outbox, systemEntropy } from '@tallystick/runtime'
import type { Caller } from '@tallystick/runtime'
import { openStore, remove } from '@tallystick/storage'
import type { Store } from '@tallystick/storage'
import { testDatabase } from '@tallystick/storage/test-database'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { consents, datasets, items, licenses, offers } from '../collections.ts'
import { itemIdOf } from '../item-id.ts'
import { startLicensingWorld } from '../licensing-world.ts'
import type { LicensingWorld } from '../licensing-world.ts'
import { subjectRequests } from './collections.ts'
import { hashOf, leaveTraces, sampleId } from './privacy-samples.ts'
import { runErasures } from './run-erasures.ts'
import type { AuditErasure, BodySelection } from '../deps.ts'
import { licensingCollections } from '../start-licensing.ts'
import * as wire from './schemas.ts'
import { storeWith } from './store-with.ts'
import { createSubjectRequest } from './subject-requests.ts'

const subject = 'cr_private'
let world: LicensingWorld
let store: Store

beforeAll(async () => {
  world = await startLicensingWorld()
  store = world.service.store
})
afterAll(() => world.close())

const idempotent = () => ({ 'idempotency-key': sampleId('request') })

async function ask(key: string, path: string, body: object) {
  return world.call('POST', path, { key, body, headers: idempotent() })
}

async function erase(key: string, of = subject) {
  const answer = await ask(key, '/v1/data-subject-requests', {
    type: 'erase',
    subject: of,
    reason: 'by mail',
  })
  return readAnswer(wire.subjectRequest, answer, 201)
}

async function statusOf(key: string, id: string) {
  return readAnswer(wire.subjectRequest, await world.call('GET', `/v1/data-subject-requests/${id}`, { key }))
}

async function completed(key: string, id: string) {
  return until(async () => {
    const found = await statusOf(key, id)
    return found.status === 'completed' ? found : undefined
  })
}

/** All that the service still holds of a tenant, as text. */
async function textOf(tenant: string): Promise<string> {
  const texts: string[] = []
  for (const one of [consents, items, datasets, offers, licenses, subjectRequests]) {
    for await (const found of store.scanAll<{ id: string; tenant?: string }>(one))
      if (found.tenant === tenant) texts.push(JSON.stringify(found))
  }
  return texts.join('\n')
}

describe('an erasure', () => {
  test('leaves nothing of the subject but agreements in force, and certifies what went', async () => {
    const tenant = sampleId('account')
    const key = await world.keyOf({ tenant })
    const { active, ended, dataset, other } = await leaveTraces(store, tenant, subject)
    const done = await completed(key, (await erase(key)).id)
    expect(done.subject).toBeUndefined()
    expect(done.outcome).toMatchObject({
      erased: { consent: 250, item: 2, dataset: 1, offer: 1, license: 1, record_body: 3 },
      kept: [{ object: 'license', id: active, reason: 'agreement_active' }],
    })
    const left = (await textOf(tenant)).split('\n').filter((one) => one.includes(subject))
    expect(left.map((one) => (JSON.parse(one) as { id: string }).id)).toEqual([active])
    expect(await store.get(consents, other)).toBeDefined()
    expect((await store.get(items, itemIdOf(tenant, hashOf('shared'))))?.creators).toContain('cr_other')
    expect(await store.get(items, itemIdOf(tenant, hashOf('alone')))).toMatchObject({ metadata: {} })
    expect((await store.get(datasets, dataset))?.name).toBe('Erased')
    expect((await store.get(licenses, ended))?.creator).toMatch(/^erased_/)
    expect(world.erasures(tenant)).toMatchObject([
      { subject, dryRun: true },
      { ids: ['aud_1', 'aud_2'] },
      { subject, dryRun: true, after: 'second' },
      { ids: ['aud_3'] },
    ])
    const record = await until(() =>
      world.recorded(tenant).find(({ kind }) => kind === 'subject_request.completed'),
    )
    expect(record.data).toMatchObject({ request: done.id, certificate: { digest: done.outcome?.digest } })
    expect(JSON.stringify(world.recorded(tenant))).not.toContain(subject)
  })

  test('keeps what a retention policy keeps, and waits while a hold names the subject', async () => {
    const tenant = sampleId('account')
    const key = await world.keyOf({ tenant })
    const { ended } = await leaveTraces(store, tenant, subject)
    const policy = await ask(key, '/v1/retention-policies', {
      kind: 'licenses',
      keep_days: 3650,
      reason: 'tax law',
    })
    const hold = readAnswer(
      wire.legalHold,
      await ask(key, '/v1/legal-holds', { subject, reason: 'lawsuit' }),
      201,
    )
    const { id } = await erase(key)
    await until(async () => ((await statusOf(key, id)).status === 'held' ? true : undefined))
    expect(await textOf(tenant)).toContain('Diary')
    await ask(key, `/v1/legal-holds/${hold.id}/release`, { reason: 'settled' })
    const { outcome } = await completed(key, id)
    const reason = `retention:${readAnswer(wire.retentionPolicy, policy, 201).id}`
    expect(outcome?.kept).toContainEqual({ object: 'license', id: ended, reason })
  })

  test('spares the records of what is kept, though more was kept than its list holds', async () => {
    const database = await testDatabase()
    const alone = await openStore(database.url, {
      name: 'erasure',
      collections: [...licensingCollections, leases, leaseTerms],
    })
    const tenant = sampleId('account')
    const { active, ended } = await leaveTraces(alone, tenant, subject)
    const asked: BodySelection[] = []
    const erasure: AuditErasure = {
      async eraseBodies(_, selection) {
        asked.push(selection)
        const { ids = ['aud_kept', 'aud_ended', 'aud_other'] } = selection
        const named = { aud_kept: [ended, active], aud_ended: [ended], aud_other: [sampleId('license')] }
        return {
          erased: ids.length,
          ids,
          records: Object.entries(named).map(([id, of]) => ({ id, licenses: of })),
        }
      },
    }
    const log = createLog({ name: 'erasure', level: 'fatal' })
    const identity = { resolveParty: async () => undefined }
    const deps = { ...systemEntropy(), store: alone, erasure, identity, log, livemode: false, publicUrl: '' }
    const plan = await createSubjectRequest(deps, operator(tenant), { type: 'erase', subject })
    await alone.commit([...plan.writes])
    await sendAll(alone)
    // As after 5,000 others, which have pushed it off the list.
    const pushedOff = storeWith(alone, {
      commit: (writes) =>
        alone.commit(
          writes.map((write) =>
            write.collection.name === subjectRequests.name && write.type === 'replace'
              ? { ...write, document: { ...write.document, kept: [] } }
              : write,
          ),
        ),
    })
    expect(await runErasures({ ...deps, store: pushedOff })).toBe(1)
    expect(asked).toMatchObject([{ subject, dryRun: true }, { ids: ['aud_ended', 'aud_other'] }])
    const done = await alone.get(subjectRequests, plan.answer.id)
    expect(done).toMatchObject({ status: 'completed', erased: { record_body: 2 }, keptCount: 1 })
    await alone.close()
    await database.drop()
  })

  test('goes on after a crash at any commit, to the same end', async () => {
    const database = await testDatabase()
    const alone = await openStore(database.url, {
      name: 'erasure',
      collections: [...licensingCollections, leases, leaseTerms],
    })
    const log = createLog({ name: 'erasure', level: 'fatal' })
    const aud = ['aud_1']
    const records = [{ id: 'aud_1', licenses: [] }]
    const erasure = { eraseBodies: async () => ({ erased: 1, ids: aud, records }) }
    const identity = { resolveParty: async () => undefined }
    const deps = { ...systemEntropy(), erasure, identity, log, livemode: false, publicUrl: '' }
    const ends = new Set<string>()
    let crashed = true
    let crashes = 0
    for (let crash = 0; crashed; crash++) {
      const tenant = sampleId('account')
      await leaveTraces(alone, tenant, subject)
      const plan = await createSubjectRequest({ ...deps, store: alone }, operator(tenant), {
        type: 'erase',
        subject,
      })
      await alone.commit([...plan.writes])
      await sendAll(alone)
      const { id } = plan.answer
      crashed = false
      let commits = 0
      const commit: Store['commit'] = async (writes) => {
        const last = commits++ === crash
        crashed ||= last
        // Every other crash comes when the commit was stored, but before anybody heard of it.
        if (last && crash % 2 === 0) throw new Error('crash')
        await alone.commit(writes)
        if (last) throw new Error('crash')
      }
      const failing = storeWith(alone, { commit })
      await runErasures({ ...deps, store: failing }).catch(() => undefined)
      await runErasures({ ...deps, store: alone })
      const found = await alone.get(subjectRequests, id)
      expect(found?.status).toBe('completed')
      ends.add(JSON.stringify({ ...found?.erased, record_body: undefined }))
      expect(found?.kept.length).toBe(1)
      await sendAll(alone)
      if (crashed) crashes++
    }
    await alone.close()
    await database.drop()
    expect(crashes).toBeGreaterThan(10)
    expect([...ends]).toEqual([JSON.stringify({ consent: 250, item: 2, dataset: 1, offer: 1, license: 1 })])
  }, 120_000)

  test('is asked for by operators for anyone, by others for themselves alone', async () => {
    const tenant = sampleId('account')
    const own = sampleId('account')
    world.nameAccount(tenant, own, 'cr_own')
    const key = await world.keyOf({ tenant, role: 'creator', account: own })
    expect((await erase(key, 'cr_own')).type).toBe('erase')
    const body = { type: 'erase', subject: 'cr_other' }
    expect(problemOf(await ask(key, '/v1/data-subject-requests', body)).status).toBe(403)
    const foreign = await world.keyOf({ tenant: sampleId('account') })
    const { id } = await erase(foreign)
    const path = `/v1/data-subject-requests/${id}`
    expect(problemOf(await world.call('GET', path, { key })).code).toBe('not_found')
  })
})

function operator(tenant: string): Caller {
  const rights = { scopes: ['privacy:write' as const], livemode: false, plan: 'standard' }
  return { tenant, account: tenant, role: 'operator', keyId: 'key_1', ...rights }
}

/** Does the relay's work: nothing is on its way to the audit service any more. */
async function sendAll(from: Store): Promise<void> {
  for await (const { id } of from.scanAll(outbox)) await from.commit([remove(outbox, id)])
}

test('an export hands out all of a subject, and of nobody else', async () => {
  const tenant = sampleId('account')
  const key = await world.keyOf({ tenant })
  const { other } = await leaveTraces(store, tenant, subject)
  const answer = await ask(key, '/v1/data-subject-requests', { type: 'export', subject })
  const { id, status } = readAnswer(wire.subjectRequest, answer, 201)
  expect(status).toBe('completed')
  const data = await world.call('GET', `/v1/data-subject-requests/${id}/export`, { key })
  expect(data.json).toMatchObject({
    object: 'subject_data',
    subject,
    items: [{}, {}],
    datasets: [{}],
    offers: [{}],
  })
  expect(data.json).toHaveProperty('consents.249')
  expect(data.json).toHaveProperty('licenses.1')
  expect(data.text).not.toContain(other)
})
