import { problemOf, readAnswer, until } from '@tallystick/runtime/test-http'
import { createLog, systemEntropy } from '@tallystick/runtime'
import { insert, replace } from '@tallystick/storage'
import type { Store } from '@tallystick/storage'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { consents, items, licenses } from '../collections.ts'
import { startLicensingWorld } from '../licensing-world.ts'
import type { LicensingWorld } from '../licensing-world.ts'
import { retentionPolicies } from './collections.ts'
import { hashOf, sampleConsent, sampleId, sampleItem, sampleLicense } from './privacy-samples.ts'
import { runRetention } from './run-retention.ts'
import * as wire from './schemas.ts'
import { storeWith } from './store-with.ts'

let world: LicensingWorld
let store: Store
let tenant: string
let key: string

beforeAll(async () => {
  world = await startLicensingWorld()
  store = world.service.store
})
beforeEach(async () => {
  tenant = sampleId('account')
  key = await world.keyOf({ tenant })
})
afterAll(() => world.close())

async function ask(path: string, body: object, secret = key) {
  return world.call('POST', path, { key: secret, body, headers: { 'idempotency-key': sampleId('request') } })
}

async function policy(body: object) {
  return readAnswer(
    wire.retentionPolicy,
    await ask('/v1/retention-policies', { reason: 'law', ...body }),
    201,
  )
}

async function dryRun(id: string) {
  return readAnswer(wire.retentionRun, await ask(`/v1/retention-policies/${id}/dry-run`, {}))
}

/** Lets the day pass that each policy waits for, and runs what is due. */
async function run(on: Store = store) {
  for await (const { version, ...found } of store.scan(retentionPolicies.byTenant, { equals: [tenant] }))
    await store.commit([replace(retentionPolicies, { ...found, nextRunAt: found.createdAt }, version)])
  const erasure = { eraseBodies: async () => ({ erased: 2, ids: ['aud_1', 'aud_2'] }) }
  const log = createLog({ name: 'retention', level: 'fatal' })
  await runRetention({ ...systemEntropy(), store: on, erasure, log })
}

async function purged(count: number): Promise<unknown[]> {
  return until(() => {
    const events = world.recorded(tenant).filter(({ kind }) => kind === 'retention.purged')
    const all = events.flatMap(({ data }) => (data?.['purged'] ?? []) as unknown[])
    return all.length >= count ? all : undefined
  })
}

describe('a retention policy', () => {
  test('purges exactly what its dry run listed, and nothing that is held', async () => {
    const held = sampleConsent(tenant, 'cr_held')
    const mine = Array.from({ length: 130 }, () => sampleConsent(tenant, 'cr_1'))
    const { withdrawnAt: _, withdrawalReason: __, ...standing } = sampleConsent(tenant, 'cr_1')
    const foreign = sampleConsent(sampleId('account'), 'cr_1')
    await store.commit([held, ...mine, standing, foreign].map((one) => insert(consents, one)))
    await ask('/v1/legal-holds', { subject: 'cr_held', reason: 'lawsuit' })
    const { id } = await policy({ kind: 'consents', keep_days: 30 })
    const planned = await dryRun(id)
    expect(planned.data.map((one) => one.id).toSorted()).toEqual(mine.map((one) => one.id).toSorted())
    expect(planned.kept).toMatchObject([{ id: held.id }])
    expect((await dryRun(id)).data).toEqual(planned.data)
    await run()
    const gone = await purged(130)
    expect(gone.length).toBe(130)
    expect(gone).toEqual(expect.arrayContaining(planned.data))
    expect(
      (
        await store.getMany(
          consents,
          mine.map((one) => one.id),
        )
      ).every((one) => one === undefined),
    ).toBe(true)
    for (const one of [held, standing, foreign]) expect(await store.get(consents, one.id)).toBeDefined()
    expect((await dryRun(id)).data).toEqual([])
  })

  test('lets go of ended agreements and of items that none in force covers', async () => {
    const [ended, active] = [
      sampleLicense(tenant, 'cr_1', 'expired'),
      sampleLicense(tenant, 'cr_1', 'active'),
    ]
    const [covered, free] = [sampleItem(tenant, 'alone', ['cr_1']), sampleItem(tenant, 'free', ['cr_1'])]
    await store.commit([
      insert(licenses, ended),
      insert(licenses, active),
      insert(items, covered),
      insert(items, free),
    ])
    await policy({ kind: 'licenses', keep_days: 30 })
    const ofItems = await policy({ kind: 'items', keep_days: 30 })
    expect(await dryRun(ofItems.id)).toMatchObject({
      data: [{ object: 'item', id: free.id }],
      kept: [{ id: covered.id, reason: 'agreement_in_force' }],
    })
    await run()
    expect(await purged(2)).toHaveLength(2)
    expect(await store.get(licenses, active.id)).toBeDefined()
    expect(await store.get(items, covered.id)).toBeDefined()
  })

  test('reads what is due once, and nothing else', async () => {
    const held = Array.from({ length: 110 }, () => sampleConsent(tenant, 'cr_held'))
    const due = Array.from({ length: 210 }, () => sampleConsent(tenant, 'cr_1'))
    const soon = { ...sampleConsent(tenant, 'cr_1'), withdrawnAt: new Date() }
    const young = Array.from({ length: 300 }, () => ({ ...soon, id: sampleId('consent') }))
    const live = sampleLicense(tenant, 'cr_1', 'expired')
    const changed = Array.from({ length: 300 }, () => ({
      ...live,
      id: sampleId('license'),
      updatedAt: new Date(),
    }))
    await store.commit([...held, ...due, ...young].map((one) => insert(consents, one)))
    await store.commit(changed.map((one) => insert(licenses, one)))
    await ask('/v1/legal-holds', { subject: 'cr_held', reason: 'lawsuit' })
    await policy({ kind: 'consents', keep_days: 30 })
    await policy({ kind: 'licenses', keep_days: 30 })
    let read = 0
    const find: Store['find'] = async (index, query) => {
      const page = await store.find(index, query)
      if (['consents', 'licenses'].includes(index.collection.name)) read += page.items.length
      return page
    }
    const counting = storeWith(store, { find })
    await run(counting)
    expect(read).toBe(held.length + due.length)
    read = 0
    await run(counting)
    expect(read).toBe(held.length)
  })

  test('counts a consent from its withdrawal, else from its expiry', async () => {
    const { withdrawnAt: past, withdrawalReason: _, ...standing } = sampleConsent(tenant, 'cr_1')
    const expired = { ...standing, expiresAt: past }
    const withdrawn = { ...expired, id: sampleId('consent'), withdrawnAt: new Date() }
    const endless = { ...standing, id: sampleId('consent') }
    await store.commit([expired, withdrawn, endless].map((one) => insert(consents, one)))
    const { id } = await policy({ kind: 'consents', keep_days: 30 })
    expect((await dryRun(id)).data).toEqual([{ object: 'consent', id: expired.id }])
    await run()
    const left = await store.getMany(consents, [expired.id, withdrawn.id, endless.id])
    expect(left.map((one) => one?.id)).toEqual([undefined, withdrawn.id, endless.id])
  })

  test('keeps what is younger, and does nothing once retired', async () => {
    const one = sampleConsent(tenant, 'cr_1')
    await store.commit([insert(consents, one)])
    const long = await policy({ kind: 'consents', keep_days: 36_500 })
    expect((await dryRun(long.id)).data).toEqual([])
    const short = await policy({ kind: 'consents', keep_days: 1 })
    await ask(`/v1/retention-policies/${short.id}/retire`, { reason: 'a mistake' })
    await run()
    expect(await store.get(consents, one.id)).toBeDefined()
  })

  test('lists and records the bodies that the audit service erases', async () => {
    const { id } = await policy({ kind: 'audit_bodies', keep_days: 365 })
    expect((await dryRun(id)).data.map((one) => one.id)).toEqual(['aud_1', 'aud_2', 'aud_3'])
    expect(world.erasures(tenant).every(({ dryRun: dry }) => dry === true)).toBe(true)
    await run()
    expect(await purged(2)).toEqual([
      { object: 'record_body', id: 'aud_1' },
      { object: 'record_body', id: 'aud_2' },
    ])
  })
})

test('policies and holds are changes with reason and digests, made by operators alone', async () => {
  const { id } = await policy({ kind: 'items', keep_days: 1 })
  const hold = readAnswer(
    wire.legalHold,
    await ask('/v1/legal-holds', { item: hashOf('x'), reason: 'lawsuit' }),
    201,
  )
  await ask(`/v1/legal-holds/${hold.id}/release`, { reason: 'settled' })
  const released = await until(() => world.recorded(tenant).find(({ kind }) => kind === 'hold.released'))
  expect(released.data?.['change']).toMatchObject({ subject: hold.id, reason: 'settled' })
  const placed = world.recorded(tenant).find(({ kind }) => kind === 'hold.placed')
  expect(placed?.data?.['change']).toHaveProperty('after')
  const creator = await world.keyOf({ tenant, role: 'creator', account: sampleId('account') })
  expect(problemOf(await ask('/v1/legal-holds', { item: hashOf('x'), reason: 'r' }, creator)).status).toBe(
    403,
  )
  const foreign = await world.keyOf({ tenant: sampleId('account') })
  for (const path of [`retention-policies/${id}`, `legal-holds/${hold.id}`])
    expect(problemOf(await world.call('GET', `/v1/${path}`, { key: foreign })).code).toBe('not_found')
})
