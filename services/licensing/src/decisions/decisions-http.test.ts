import { problemOf, readAnswer, until } from '@tallystick/runtime/test-http'
import { hash } from 'node:crypto'
import { decision, licenseTerms, usageRight } from '@tallystick/protocol'
import type { Decision, LicenseTerms } from '@tallystick/protocol'
import { canonicalize } from '@tallystick/receipt'
import { insert, replace } from '@tallystick/storage'
import type { Collection, Document } from '@tallystick/storage'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { consents, datasets, items, licenses, offers } from '../collections.ts'
import { itemIdOf } from '../item-id.ts'
import { legalHolds } from '../privacy/collections.ts'
import { startLicensingWorld } from '../licensing-world.ts'
import type { LicensingWorld } from '../licensing-world.ts'

const tenant = 'acct_market'
const buyer = 'acct_buyer'
const now = new Date()
const before = new Date(now.getTime() - 86_400_000)

let world: LicensingWorld
let operator: string
let developer: string

beforeAll(async () => {
  world = await startLicensingWorld()
  operator = await world.keyOf({ tenant })
  developer = await world.keyOf({ tenant, role: 'developer', account: buyer })
})
afterAll(() => world.close())

let turn = 0
const fresh = (prefix: string) => `${prefix}_${String(turn++).padStart(26, '0')}`
const hashOf = (text: string) => `sha256:${hash('sha256', text)}`

async function put<T extends Document>(collection: Collection<T>, document: NoInfer<T>): Promise<string> {
  await world.service.store.commit([insert(collection, document)])
  return document.id
}

async function change<T extends Document>(collection: Collection<T>, id: string, fields: Partial<T>) {
  const { store } = world.service
  const stored = await store.get(collection, id)
  if (!stored) throw new Error(`there is no ${id}`)
  await store.commit([replace(collection, { ...stored, ...fields }, stored.version)])
}

/** A registered item with a consent and, unless told otherwise, an agreement with the buyer. */
async function usable(options: { licensed?: boolean; reference?: string; of?: string } = {}) {
  const itemHash = hashOf(fresh('content'))
  const consent = await addConsent([itemHash], options.of ?? tenant)
  await put(items, {
    id: itemIdOf(options.of ?? tenant, itemHash),
    tenant: options.of ?? tenant,
    hash: itemHash,
    ...(options.reference && { reference: options.reference }),
    creators: ['cr_1'],
    consents: [consent],
    prohibitedUses: [],
    metadata: {},
    createdAt: before,
  })
  const license =
    options.licensed === false ? '' : await addLicense([itemHash], { tenant: options.of ?? tenant })
  return { itemHash, consent, license, item: itemIdOf(tenant, itemHash) }
}

function addConsent(hashes: string[], of: string): Promise<string> {
  return put(consents, {
    id: fresh('cons'),
    tenant: of,
    subject: 'person_1',
    purposes: ['train', 'evaluate'],
    regions: [],
    items: hashes,
    grantedAt: before,
    createdAt: before,
    auditId: fresh('aud'),
  })
}

const traded = (covered: string[], terms: Partial<LicenseTerms> = {}) => ({
  items: covered,
  pricing: { model: 'per_item' as const, unit_price: '1' },
  royalties: { splits: [], platform_fee: '0' },
  terms: { ...licenseTerms.parse({}), ...terms },
  currency: 'USD',
  metadata: {},
})

function addLicense(
  covered: string[],
  options: { tenant?: string; buyer?: string; terms?: Partial<LicenseTerms>; status?: 'draft' } = {},
): Promise<string> {
  const status = options.status ?? 'active'
  return put(licenses, {
    id: fresh('lic'),
    tenant: options.tenant ?? tenant,
    creator: 'cr_1',
    buyer: options.buyer ?? buyer,
    status,
    ...traded(covered, options.terms),
    legalText: {
      template: fresh('tmpl'),
      version: 1,
      variables: {},
      text_hash: hashOf('the text of the agreement'),
    },
    revision: 1,
    effectiveFrom: before,
    history: [{ status, at: before, actor: tenant, reason: 'both agreed' }],
    createdAt: before,
    updatedAt: before,
    auditId: fresh('aud'),
  })
}

const addOffer = (covered: string[], terms: Partial<LicenseTerms> = {}) =>
  put(offers, {
    id: fresh('offer'),
    tenant,
    creator: 'cr_1',
    status: 'open',
    ...traded(covered, terms),
    createdAt: before,
    auditId: fresh('aud'),
  })

const ask = (body: object, key = developer) => world.call('POST', '/v1/decisions', { key, body })

async function decided(hashes: string[], more: object = {}, key = developer): Promise<Decision> {
  return readAnswer(decision, await ask({ items: hashes, purpose: 'train', ...more }, key))
}

const reasons = ({ data }: Decision) => data.map(({ reason }) => reason)

describe('POST /v1/decisions', () => {
  it('permits by agreement and consent, and says which', async () => {
    const { itemHash, consent, license } = await usable()
    const answer = await decided([itemHash])
    expect(answer).toMatchObject({ decision: 'permit', actor: buyer, purpose: 'train', livemode: false })
    const [first] = answer.data
    const trace = first?.trace
    expect(first).toEqual({ item: itemHash, decision: 'permit', license, reason: 'license_active', trace })
    expect(trace).toContainEqual(expect.objectContaining({ clause: 'consent', source: consent }))
    expect(trace).toContainEqual(
      expect.objectContaining({
        clause: 'license',
        source: license,
        text_hash: hashOf('the text of the agreement'),
      }),
    )
  })

  it('answers each item in the order asked, also one asked twice', async () => {
    const good = await usable()
    const bare = await usable({ licensed: false })
    const unknown = hashOf('nobody registered this')
    const answer = await decided([unknown, good.itemHash, bare.itemHash, good.itemHash])
    expect(answer.decision).toBe('partial')
    expect(answer.data.map(({ item }) => item)).toEqual([
      unknown,
      good.itemHash,
      bare.itemHash,
      good.itemHash,
    ])
    expect(reasons(answer)).toEqual(['item_unknown', 'license_active', 'license_missing', 'license_active'])
    expect((await decided([good.itemHash], { purpose: 'resell' })).data[0]?.reason).toBe('purpose_unknown')
  })

  it('covers an item by its dataset, and by what the tenant calls the item or the dataset', async () => {
    for (const covers of ['id', 'reference', 'item'] as const) {
      const reference = `ref_${covers}`
      const dataset = await put(datasets, {
        id: fresh('ds'),
        tenant,
        ...(covers === 'reference' && { reference }),
        name: 'a dataset',
        creators: ['cr_1'],
        consents: [],
        consentRequired: false,
        prohibitedUses: [],
        metadata: {},
        createdAt: before,
      })
      const one = await usable({ licensed: false, ...(covers === 'item' && { reference }) })
      await change(items, one.item, { dataset })
      expect(reasons(await decided([one.itemHash]))).toEqual(['license_missing'])
      const license = await addLicense([covers === 'id' ? dataset : reference])
      expect((await decided([one.itemHash])).data[0]).toMatchObject({ decision: 'permit', license })
    }
  })

  it('denies from the moment a consent is withdrawn, an agreement revoked, an item prohibited', async () => {
    const [first, second, third] = [await usable(), await usable(), await usable()]
    const hashes = [first.itemHash, second.itemHash, third.itemHash]
    expect((await decided(hashes)).decision).toBe('permit')
    await change(consents, first.consent, { withdrawnAt: new Date() })
    expect(reasons(await decided(hashes))).toEqual(['consent_withdrawn', 'license_active', 'license_active'])
    const step = { status: 'revoked' as const, at: new Date(), actor: tenant, reason: 'refunded' }
    const history = (await world.service.store.get(licenses, second.license))?.history ?? []
    await change(licenses, second.license, { status: 'revoked', history: [...history, step] })
    expect(reasons(await decided(hashes))).toEqual(['consent_withdrawn', 'license_revoked', 'license_active'])
    await change(items, third.item, { prohibitedUses: ['train'] })
    expect(reasons(await decided(hashes))).toEqual([
      'consent_withdrawn',
      'license_revoked',
      'item_prohibits_use',
    ])
    const past = new Date(now.getTime() - 3600_000).toISOString()
    expect(reasons(await decided(hashes.slice(0, 2), { at: past }))).toEqual([
      'license_active',
      'license_active',
    ])
  })

  it('lets what a legal hold keeps from erasure be used', async () => {
    const { itemHash } = await usable()
    await put(legalHolds, {
      id: fresh('hold'),
      tenant,
      on: 'item',
      names: [itemHash],
      reason: 'a court order',
      status: 'active',
      createdAt: before,
      auditId: fresh('aud'),
    })
    expect((await decided([itemHash])).decision).toBe('permit')
  })

  it('names the offers that would permit what no agreement does', async () => {
    const { itemHash } = await usable({ licensed: false })
    const fits = await addOffer([itemHash])
    await addOffer([itemHash], { region_restrictions: ['US'] })
    const [denied] = (await decided([itemHash], { region: 'DE' })).data
    expect(denied).toMatchObject({ decision: 'deny', reason: 'license_missing', offers: [fits] })
  })

  it('does not let a buyer see drafts, nor use the agreements of others', async () => {
    const { itemHash } = await usable({ licensed: false })
    await addLicense([itemHash], { status: 'draft' })
    const others = await addLicense([itemHash], { buyer: 'acct_other' })
    const foreign = await addLicense([itemHash], { tenant: 'acct_elsewhere' })
    for (const named of [undefined, [others], [foreign]]) {
      const [denied] = (await decided([itemHash], { licenses: named })).data
      expect(denied?.reason).toBe('license_missing')
      expect(JSON.stringify(denied)).not.toMatch(/lic_/)
    }
  })

  it('counts only the agreements that the request names', async () => {
    const { itemHash, license } = await usable()
    const narrow = await addLicense([itemHash], { terms: { allowed_uses: ['retrieval'] } })
    expect(reasons(await decided([itemHash], { licenses: [narrow] }))).toEqual(['use_not_allowed'])
    expect((await decided([itemHash], { licenses: [narrow, license] })).decision).toBe('permit')
  })

  it('finds what an account holds under the tenant’s own name for it, by either name', async () => {
    world.nameAccount(tenant, buyer, 'buyer_7')
    const { itemHash } = await usable({ licensed: false })
    await addLicense([itemHash], { buyer: 'buyer_7' })
    for (const actor of [undefined, buyer, 'buyer_7']) {
      expect((await decided([itemHash], { actor })).decision).toBe('permit')
    }
    expect((await decided([itemHash], { actor: 'buyer_7' }, operator)).decision).toBe('permit')
    expect((await decided([itemHash], { actor: 'buyer_8' }, operator)).decision).toBe('deny')
  })

  it('lets an operator ask for anyone, and a developer only for itself', async () => {
    const { itemHash } = await usable()
    expect((await decided([itemHash], { actor: buyer }, operator)).decision).toBe('permit')
    expect((await decided([itemHash], {}, operator)).data[0]?.reason).toBe('license_missing')
    const answer = await ask({ items: [itemHash], purpose: 'train', actor: 'acct_other' })
    expect(problemOf(answer)).toMatchObject({ status: 404, code: 'not_found' })
    const scopeless = await world.keyOf({
      tenant,
      role: 'creator',
      account: 'acct_c',
      scopes: ['catalog:read'],
    })
    expect((await ask({ items: [itemHash], purpose: 'train' }, scopeless)).status).toBe(403)
  })

  it('knows nothing of another marketplace', async () => {
    const elsewhere = await usable({ of: 'acct_elsewhere' })
    expect(reasons(await decided([elsewhere.itemHash]))).toEqual(['item_unknown'])
  })

  it('decides the same for many items as for each, however it finds the agreements', async () => {
    const many = await Promise.all(
      Array.from({ length: 60 }, (_, place) => usable({ licensed: place % 3 > 0 })),
    )
    const hashes = many.map(({ itemHash }) => itemHash)
    const together = await decided(hashes)
    const alone = await Promise.all(hashes.map(async (one) => (await decided([one])).data[0]))
    expect(together.data).toEqual(alone)
  })

  it('promises a receipt that an answer can be checked against', async () => {
    const many = await Promise.all(Array.from({ length: 5 }, (_, place) => usable({ licensed: place !== 2 })))
    const hashes = many.map(({ itemHash }) => itemHash)
    const answer = await decided(hashes, { region: 'DE', model_id: 'm-1' })
    const record = await until(() => world.recorded(tenant).find(({ data }) => data?.['model_id'] === 'm-1'))
    expect(record).toMatchObject({ kind: 'use.decided', actor: buyer, items: hashes })
    expect(record.licenses).toEqual(many.flatMap(({ license }) => (license ? [license] : [])).sort())
    expect(record.data).toEqual({
      actor: buyer,
      purpose: 'train',
      region: 'DE',
      model_id: 'm-1',
      at: answer.at,
      reasons: ['license_active', 'license_missing'],
      outcomes: [0, 0, 1, 0, 0],
      trace: hashOf(canonicalize(answer.data)),
    })
  })

  it('decides 1,000 items by as many agreements in a record of less than 120 KiB', async () => {
    const hashes = Array.from({ length: 1000 }, (_, place) => hashOf(`large ${place}`))
    const { store } = world.service
    await Promise.all(hashes.map((itemHash) => addLicense([itemHash], { buyer: 'acct_large' })))
    await store.insertMany(
      items,
      hashes.map((itemHash) => ({
        id: itemIdOf(tenant, itemHash),
        tenant,
        hash: itemHash,
        creators: ['cr_1'],
        consents: [],
        consentRequired: false,
        prohibitedUses: [],
        metadata: {},
        createdAt: before,
      })),
    )
    const answer = await decided(hashes, { actor: 'acct_large', model_id: 'm-large' }, operator)
    expect(answer.decision).toBe('permit')
    const record = await until(() =>
      world.recorded(tenant).find(({ data }) => data?.['model_id'] === 'm-large'),
    )
    expect(record.licenses).toHaveLength(100)
    expect(record.data?.['licenses']).toHaveLength(1000)
    expect(Buffer.byteLength(canonicalize(record))).toBeLessThan(120 * 1024)
  })

  it.each<[string, object, string]>([
    ['no items', { items: [], purpose: 'train' }, '/items'],
    ['1,001 items', { items: Array.from({ length: 1001 }, () => hashOf('x')), purpose: 'train' }, '/items'],
    ['no purpose', { items: [hashOf('x')] }, '/purpose'],
    ['another hash', { items: ['md5:00'], purpose: 'train' }, '/items/0'],
    ['a small region', { items: [hashOf('x')], purpose: 'train', region: 'de' }, '/region'],
    ['a moment far ahead', { items: [hashOf('x')], purpose: 'train', at: '2999-01-01T00:00:00Z' }, '/at'],
    ['an unknown field', { items: [hashOf('x')], purpose: 'train', force: true }, '/force'],
  ])('refuses %s', async (_, body, pointer) => {
    expect(problemOf(await ask(body))).toMatchObject({
      code: 'validation_failed',
      errors: [expect.objectContaining({ pointer })],
    })
  })
})

describe('POST /v1/decisions/check', () => {
  const check = async (uses: object[], key?: string) => {
    const service = key ?? (await world.keyOf({ tenant, scopes: ['service'] }))
    return world.call('POST', '/v1/decisions/check', { key: service, body: { uses } })
  }
  const rights = async (uses: object[]) => {
    const answer = readAnswer(z.object({ data: z.array(usageRight) }), await check(uses))
    return answer.data.map(({ reason, source }) => [reason, source])
  }
  const at = now.toISOString()

  it('permits only where every agreement and every item named permits, and makes no event', async () => {
    const good = await usable()
    const bare = await usable({ licensed: false })
    const others = await addLicense([good.itemHash], { buyer: 'acct_other' })
    const use = { actor: buyer, items: [good.itemHash], licenses: [good.license], purpose: 'train', at }
    expect(
      await rights([
        use,
        { ...use, licenses: [] },
        { ...use, items: [] },
        { ...use, items: [], licenses: [] },
        { ...use, licenses: [good.license, others] },
        { ...use, items: [good.itemHash, bare.itemHash] },
        { ...use, purpose: 'inference' },
        { ...use, actor: 'acct_other', licenses: [others] },
      ]),
    ).toEqual([
      ['license_active', undefined],
      ['license_active', undefined],
      ['license_active', undefined],
      ['license_missing', undefined],
      ['license_missing', others],
      ['license_missing', bare.itemHash],
      ['use_not_allowed', good.license],
      ['license_active', undefined],
    ])
    const step = { status: 'revoked' as const, at: now, actor: tenant, reason: 'refunded' }
    await change(licenses, good.license, { status: 'revoked', history: [step] })
    expect(await rights([use])).toEqual([['license_revoked', good.license]])
    expect(world.recorded(tenant).filter(({ data }) => data?.['at'] === at)).toEqual([])
  })

  it('judges a use by the agreements that it names, of however many the actor has', async () => {
    const { itemHash } = await usable({ licensed: false })
    const many = await Promise.all(
      Array.from({ length: 201 }, () => addLicense([itemHash], { buyer: 'buyer_of_many' })),
    )
    const use = { actor: 'buyer_of_many', items: [itemHash], purpose: 'train', at }
    expect(await rights([{ ...use, licenses: many.slice(-1) }])).toEqual([['license_active', undefined]])
    expect(problemOf(await check([{ ...use, licenses: [] }])).errors?.[0]?.pointer).toBe('/licenses')
  })

  it('answers services only', async () => {
    const use = { actor: buyer, items: [], licenses: [fresh('lic')], purpose: 'train', at }
    expect((await check([use], operator)).status).toBe(403)
  })
})
