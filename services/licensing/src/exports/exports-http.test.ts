import { problemOf, readAnswer } from '@tallystick/runtime/test-http'
import { createHash } from 'node:crypto'
import { newId } from '@tallystick/protocol'
import { systemEntropy } from '@tallystick/runtime'
import { insert } from '@tallystick/storage'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { licenses } from '../collections.ts'
import { startLicensingWorld } from '../licensing-world.ts'
import type { LicensingWorld } from '../licensing-world.ts'
import { rslReader } from './test/read-rsl.ts'

const { random } = systemEntropy()
const tenant = newId('account', new Date(), random)
const buyer = newId('account', new Date(), random)
const id = newId('license', new Date(), random)
let world: LicensingWorld
let lateBy = 0

beforeAll(async () => {
  world = await startLicensingWorld({ entropy: { now: () => new Date(Date.now() + lateBy) } })
  const at = new Date()
  const license = {
    id,
    tenant,
    creator: 'cr_<1>',
    buyer,
    status: 'active' as const,
    items: ['ds_"quoted" & <tagged>'],
    pricing: { model: 'per_item' as const, unit_price: '0.25' },
    royalties: { splits: [], platform_fee: '0' },
    terms: {
      exclusive: true,
      region_restrictions: [],
      excluded_regions: ['US'],
      allowed_uses: ['train' as const, 'fine_tune' as const],
      prohibited_uses: [],
      models: [],
      sublicense: false,
    },
    currency: 'USD',
    metadata: {},
    revision: 1,
    effectiveFrom: at,
    effectiveUntil: new Date(at.getTime() + 30 * 86_400_000),
    history: [{ status: 'active' as const, at, actor: buyer, reason: 'accepted' }],
    createdAt: at,
    updatedAt: at,
    auditId: newId('audit', at, random),
  }
  await world.service.store.commit([insert(licenses, license)])
})
afterAll(() => world.close())

const types = {
  rsl: 'application/rsl+xml',
  odrl: 'application/ld+json',
  cawg: 'application/json',
  croissant: 'application/ld+json; profile="http://mlcommons.org/croissant/1.1"',
}

test.each(Object.entries(types))('answers %s as a document of its own type', async (format, type) => {
  const key = await world.keyOf({ tenant, role: 'developer', account: buyer })
  const answer = await world.call('GET', `/v1/licenses/${id}/export?format=${format}`, { key })
  expect(answer.status).toBe(200)
  expect(answer.headers.get('content-type')).toContain(type)
  const loss = await world.call('GET', `/v1/licenses/${id}/export/loss?format=${format}`, { key })
  expect(loss.json).toMatchObject({ object: 'export_loss', format })
  expect(loss.text).toContain('/terms/exclusive')
})

test('a hostile reference stays text in RSL, which strangers may not act on', async () => {
  const key = await world.keyOf({ tenant })
  const answer = await world.call('GET', `/v1/licenses/${id}/export?format=rsl`, { key })
  const fetched = new Date()
  const permits = rslReader(answer.text, fetched)
  const at = new Date(fetched.getTime() + 60_000)
  expect(permits({ purpose: 'train', region: 'DE', at, buyer: true })).toBe(true)
  expect(permits({ purpose: 'train', region: 'DE', at, buyer: false })).toBe(false)
  expect(answer.text).not.toContain('<tagged>')
})

test('gives document and loss together for Accept: application/json', async () => {
  const key = await world.keyOf({ tenant })
  const headers = { accept: 'application/json' }
  const answer = await world.call('GET', `/v1/licenses/${id}/export?format=odrl`, { key, headers })
  const shape = z.looseObject({ document: z.string(), document_hash: z.string(), loss: z.array(z.unknown()) })
  const { document, document_hash: hash } = readAnswer(shape, answer)
  expect(hash).toBe(`sha256:${createHash('sha256').update(document).digest('hex')}`)
})

test('is the same bytes at any time of the same version, by an ETag that saves the second sending', async () => {
  const key = await world.keyOf({ tenant })
  for (const format of Object.keys(types)) {
    const path = `/v1/licenses/${id}/export?format=${format}`
    const first = await world.call('GET', path, { key })
    lateBy += 3_600_000
    const again = await world.call('GET', path, { key })
    expect(again.text).toBe(first.text)
    const etag = first.headers.get('etag') ?? ''
    expect(etag).toBe(`"sha256:${createHash('sha256').update(first.text).digest('hex')}"`)
    const saved = await fetch(world.url + path, {
      headers: { authorization: `Bearer ${key}`, 'if-none-match': `"x", W/${etag}` },
    })
    expect([saved.status, await saved.text(), saved.headers.get('etag')]).toEqual([304, '', etag])
  }
})

test('who is no party gets the 404 of a license that is not there', async () => {
  const stranger = await world.keyOf({
    tenant,
    role: 'developer',
    account: newId('account', new Date(), random),
  })
  const foreign = await world.keyOf({ tenant: newId('account', new Date(), random) })
  const missing = newId('license', new Date(), random)
  for (const path of ['export', 'export/loss']) {
    for (const [key, license] of [
      [stranger, id],
      [foreign, id],
      [foreign, missing],
    ]) {
      const problem = problemOf(
        await world.call('GET', `/v1/licenses/${license}/${path}?format=rsl`, { key: key ?? '' }),
      )
      expect(problem).toMatchObject({
        status: 404,
        code: 'license_not_found',
        detail: 'There is no such license',
      })
    }
  }
})

test('refuses a format that it does not know', async () => {
  const key = await world.keyOf({ tenant })
  const answer = await world.call('GET', `/v1/licenses/${id}/export?format=pdf`, { key })
  expect(problemOf(answer)).toMatchObject({ status: 400, errors: [{ pointer: '/format' }] })
})
