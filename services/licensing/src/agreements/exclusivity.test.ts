import { problemOf, readAnswer } from '@tallystick/runtime/test-http'
import { dataset as datasetSchema, Fault, license as licenseSchema, licenseInput } from '@tallystick/protocol'
import type { LicenseInput } from '@tallystick/protocol'
import { createLog, systemEntropy } from '@tallystick/runtime'
import type { Caller, Plan } from '@tallystick/runtime'
import { openStore } from '@tallystick/storage'
import type { Store } from '@tallystick/storage'
import { testDatabase } from '@tallystick/storage/test-database'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { exclusivityClaims, licenses } from '../collections.ts'
import { licensingCollections } from '../start-licensing.ts'
import { acceptLicense } from './accept-license.ts'
import { startAgreementsWorld } from './agreements-world.ts'
import type { AgreementsWorld } from './agreements-world.ts'
import { createLicense } from './create-license.ts'
import { endLicense } from './end-license.ts'

describe('over HTTP', () => {
  let at: AgreementsWorld
  beforeAll(async () => {
    at = await startAgreementsWorld()
  })
  afterAll(() => at.close())

  const hash = (digit: string) => `sha256:${digit.repeat(64)}`
  const exclusive = { exclusive: true }
  const accept = (id: string) => at.post(`/v1/licenses/${id}/accept`, at.keys.operator)

  async function datasetWith(items: string[]): Promise<{ id: string; reference: string }> {
    const reference = `set-${items.join('').slice(7, 12)}`
    const body = { name: 'set', reference, creators: ['cr_123'] }
    const made = readAnswer(datasetSchema, await at.post('/v1/datasets', at.keys.operator, body), 201)
    for (const one of items) {
      const item = { hash: one, dataset: made.id, creators: ['cr_123'] }
      const answer = await at.post('/v1/items', at.keys.operator, item)
      if (answer.status !== 201) throw new Error(answer.text)
    }
    return { id: made.id, reference }
  }

  test.each([
    ['exclusive meets exclusive', ['x1'], exclusive, ['x1', 'y'], exclusive, true],
    ['exclusive meets shared', ['x2'], exclusive, ['x2'], {}, true],
    ['shared meets exclusive', ['x3'], {}, ['x3'], exclusive, true],
    ['shared meets shared', ['x4'], {}, ['x4'], {}, false],
    ['other items', ['x5'], exclusive, ['y5'], exclusive, false],
    [
      'other uses',
      ['x6'],
      { ...exclusive, allowed_uses: ['train'] },
      ['x6'],
      { allowed_uses: ['inference'] },
      false,
    ],
    [
      'other regions',
      ['x7'],
      { ...exclusive, region_restrictions: ['EU'] },
      ['x7'],
      { region_restrictions: ['US'] },
      false,
    ],
    [
      'a region of a union',
      ['x8'],
      { ...exclusive, region_restrictions: ['EU'] },
      ['x8'],
      { region_restrictions: ['DE'] },
      true,
    ],
  ])('%s', async (_, items, terms, otherItems, otherTerms, refused) => {
    const first = await at.create({ items, terms })
    await at.move(first.id, 'accept', at.keys.operator)
    const second = await at.create({ items: otherItems, terms: otherTerms, buyer_id: 'dev_2' })
    const answer = await accept(second.id)
    expect(answer.status).toBe(refused ? 409 : 200)
    if (refused) {
      expect(problemOf(answer)).toMatchObject({ code: 'exclusivity_conflict' })
      expect(problemOf(answer).detail).toContain(`over ${items[0]}`)
      expect(answer.text).not.toContain(first.id)
      expect(answer.text).not.toContain('dev_456')
    }
  })

  test('the same buyer, under either of its names, does not stand in its own way', async () => {
    const first = await at.create({ items: ['own'], terms: exclusive })
    await at.move(first.id, 'accept', at.keys.operator)
    const buyer_id = at.accountOf('dev_456')
    const again = await at.create({ items: ['own'], terms: exclusive, buyer_id })
    expect((await accept(again.id)).status).toBe(200)
  })

  test('one after the other is no conflict, and an ended license gives way', async () => {
    const terms = { exclusive: true, duration_days: 10 }
    const first = await at.create({ items: ['later'], terms })
    await at.move(first.id, 'accept', at.keys.operator)
    const other = { items: ['later'], terms, buyer_id: 'dev_2' }
    const early = await at.create({ ...other, effective_from: '2026-03-10T00:00:00Z' })
    expect((await accept(early.id)).status).toBe(409)
    const late = await at.create({ ...other, effective_from: '2026-03-11T00:00:00Z' })
    expect((await accept(late.id)).status).toBe(200)
    await at.move(first.id, 'revoke', at.keys.operator, { reason: 'test' })
    expect((await accept(early.id)).status).toBe(200)
  })

  test('a dataset and an item of it are in each other’s way', async () => {
    const whole = await datasetWith([hash('a'), hash('b')])
    const one = await at.create({ items: [hash('a')], terms: exclusive })
    await at.move(one.id, 'accept', at.keys.operator)
    const all = await at.create({ items: [whole.reference], buyer_id: 'dev_2' })
    expect(all.items).toEqual([whole.id])
    expect((await accept(all.id)).status).toBe(409)
    const sibling = await at.create({ items: [hash('b')], terms: exclusive, buyer_id: 'dev_2' })
    expect((await accept(sibling.id)).status).toBe(200)

    const other = await datasetWith([hash('c')])
    const taken = await at.create({ items: [other.id], terms: exclusive })
    await at.move(taken.id, 'accept', at.keys.operator)
    const inside = await at.create({ items: [hash('c')], buyer_id: 'dev_2' })
    expect((await accept(inside.id)).status).toBe(409)
  })

  test('a license that names a dataset before it is registered is found by its items', async () => {
    const early = await at.create({ items: [`set-${'d'.repeat(5)}`], terms: exclusive })
    await at.move(early.id, 'accept', at.keys.operator)
    await datasetWith([hash('d')])
    const inside = await at.create({ items: [hash('d')], buyer_id: 'dev_2' })
    expect((await accept(inside.id)).status).toBe(409)
  })

  test('is judged again when the license begins: it waits until the other ends', async () => {
    const whole = await datasetWith([hash('e')])
    const taken = await at.create({ items: [whole.id], terms: exclusive })
    await at.move(taken.id, 'accept', at.keys.operator)
    const ahead = await at.create({
      items: [hash('f')],
      buyer_id: 'dev_2',
      effective_from: '2026-03-05T00:00:00Z',
    })
    await at.move(ahead.id, 'accept', at.keys.operator)
    const late = { hash: hash('f'), dataset: whole.id, creators: ['cr_123'] }
    expect((await at.post('/v1/items', at.keys.operator, late)).status).toBe(201)
    const statusAt = async (time: string) => {
      at.setTime(time)
      await at.advance()
      return readAnswer(licenseSchema, await at.get(`/v1/licenses/${ahead.id}`, at.keys.operator)).status
    }
    expect(await statusAt('2026-03-05T00:00:00.000Z')).toBe('accepted')
    expect(await statusAt('2026-03-05T01:00:00.000Z')).toBe('accepted')
    await at.move(taken.id, 'revoke', at.keys.operator, { reason: 'test' })
    expect(await statusAt('2026-03-05T02:00:00.000Z')).toBe('active')
    at.setTime('2026-03-01T00:00:00.000Z')
  })
})

describe('two processes on one database', () => {
  let stores: Store[]
  let drop: () => Promise<void>
  beforeAll(async () => {
    const database = await testDatabase()
    const open = () => openStore(database.url, { name: 'licensing', collections: licensingCollections })
    stores = [await open(), await open()]
    drop = async () => {
      for (const store of stores) await store.close()
      await database.drop()
    }
  })
  afterAll(() => drop())

  const entropy = systemEntropy()
  const tenant = entropy.newId('account')
  const log = createLog({ name: 'race', level: 'fatal' })
  const identity = { resolveParty: async () => undefined }
  const caller: Caller = {
    tenant,
    account: tenant,
    role: 'operator',
    keyId: 'key_x',
    scopes: [],
    livemode: false,
    plan: 'standard',
  }
  const depsOf = (store: Store) => ({ ...entropy, store, identity, livemode: false, log })

  async function make<T>(store: Store, plan: () => Promise<Plan<T>>): Promise<T> {
    return store.attempt(async () => {
      const { writes, answer } = await plan()
      await store.commit([...writes])
      return answer
    })
  }
  function storeAt(index: number): Store {
    const store = stores[index % stores.length]
    if (!store) throw new Error('no store')
    return store
  }
  async function offered(given: Partial<LicenseInput>): Promise<string> {
    const input = licenseInput.parse({
      creator_id: 'c',
      buyer_id: 'b',
      items: ['x'],
      pricing: { model: 'royalty', rate: '0' },
      ...given,
    })
    const store = storeAt(0)
    return (await make(store, () => createLicense(depsOf(store), caller, input))).id
  }
  /** Accepts each license in turn by one store and the other, all at once. Gives how many were accepted. */
  async function acceptAll(ids: string[]): Promise<number> {
    const outcomes = await Promise.allSettled(
      ids.map((license_id, index) => {
        const store = storeAt(index)
        return make(store, () => acceptLicense(depsOf(store), caller, { license_id }))
      }),
    )
    for (const one of outcomes) {
      if (one.status === 'fulfilled') continue
      const reason: unknown = one.reason
      if (!(reason instanceof Fault) || reason.code !== 'exclusivity_conflict') throw reason
    }
    return outcomes.filter(({ status }) => status === 'fulfilled').length
  }
  const exclusive = licenseInput.shape.terms.parse({ exclusive: true })

  test('of many exclusive acceptances of one item exactly one wins', async () => {
    for (let round = 0; round < 10; round++) {
      const items = [`item-${round}`]
      const ids = await Promise.all(
        ['a', 'b', 'c', 'd'].map((buyer_id) => offered({ items, buyer_id, terms: exclusive })),
      )
      expect(await acceptAll(ids)).toBe(1)
    }
  })

  test('exclusive or shared, never both', async () => {
    for (let round = 0; round < 10; round++) {
      const items = [`mixed-${round}`]
      const shared = ['a', 'b', 'c'].map((buyer_id) => offered({ items, buyer_id }))
      const one = offered({ items, buyer_id: 'x', terms: exclusive })
      const ids = await Promise.all([one, ...shared])
      await acceptAll(ids)
      const held = (await storeAt(0).getMany(licenses, ids)).filter((found) => found?.status === 'active')
      const exclusives = held.filter((found) => found?.terms.exclusive)
      expect(held.length).toBeGreaterThan(0)
      expect(exclusives.length === 0 || held.length === 1).toBe(true)
    }
  })

  test('shared licenses pass each other', async () => {
    const ids = await Promise.all(
      Array.from({ length: 40 }, (_, index) => offered({ items: ['popular'], buyer_id: `b${index}` })),
    )
    expect(await acceptAll(ids)).toBe(40)
  })

  test('1,000 items are claimed and released in one commit each', async () => {
    const store = storeAt(0)
    const items = Array.from({ length: 1000 }, (_, index) => `many-${index}`)
    const license_id = await offered({ items, terms: exclusive })
    expect(await acceptAll([license_id])).toBe(1)
    const rival = await offered({ items: ['many-999'], buyer_id: 'rival' })
    expect(await acceptAll([rival])).toBe(0)
    await make(store, () => endLicense(depsOf(store), caller, 'revoke', { license_id, reason: 'test' }))
    expect(await store.get(exclusivityClaims, license_id)).toBeUndefined()
    expect(await acceptAll([rival])).toBe(1)
  })
})
