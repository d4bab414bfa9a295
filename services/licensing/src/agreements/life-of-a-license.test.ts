import { problemOf, readAnswer, until } from '@tallystick/runtime/test-http'
import { license as licenseSchema } from '@tallystick/protocol'
import type { AuditRecord } from '@tallystick/protocol'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { samplePayload, startAgreementsWorld } from './agreements-world.ts'
import type { AgreementsWorld } from './agreements-world.ts'

let at: AgreementsWorld
beforeAll(async () => {
  at = await startAgreementsWorld()
})
afterAll(() => at.close())

const reason = { reason: 'because' }

async function eventsOf(license: string, count: number): Promise<AuditRecord[]> {
  return until(() => {
    const events = at.world.recorded(at.tenant).filter(({ licenses }) => licenses.includes(license))
    return events.length >= count ? [...events] : undefined
  })
}

test('takes the sample payload of the source as it stands', async () => {
  const body = `{
  "creator_id": "cr_123",
  "buyer_id": "dev_456",
  "items": ["dataset_789"],
  "pricing": {"model":"royalty","rate":0.05},
  "terms": {"exclusive":false, "region_restrictions":[], "duration_days":365},
  "idempotency_key": "ik_2026-01-01-abc"
}`
  const first = await at.world.call('POST', '/v1/licenses', { key: at.keys.operator, body })
  const made = readAnswer(licenseSchema, first, 201)
  expect(made).toMatchObject({
    status: 'offered',
    creator_id: 'cr_123',
    buyer_id: 'dev_456',
    items: ['dataset_789'],
    pricing: { model: 'royalty', rate: '0.05' },
    revision: 1,
  })
  const again = await at.world.call('POST', '/v1/licenses', { key: at.keys.operator, body })
  expect(readAnswer(licenseSchema, again, 201).id).toBe(made.id)
  expect(again.headers.get('idempotent-replayed')).toBe('true')
})

test('walks from draft to active to expired, each step told with time, actor and reason', async () => {
  const items = await at.register('walked')
  const draft = await at.create({ draft: true, items }, at.keys.creator)
  expect(draft.status).toBe('draft')
  const path = `/v1/licenses/${draft.id}`
  expect(await at.refusal(at.get(path, at.keys.buyer))).toBe('404 license_not_found')
  const offered = await at.move(draft.id, 'offer', at.keys.creator, { reason: 'ready' })
  expect(offered.status).toBe('offered')
  const active = await at.move(draft.id, 'accept', at.keys.buyer)
  expect(active).toMatchObject({
    status: 'active',
    effective_from: '2026-03-01T00:00:00.000Z',
    effective_until: '2027-03-01T00:00:00.000Z',
  })
  at.setTime('2027-02-28T23:59:59.999Z')
  await at.advance()
  expect(readAnswer(licenseSchema, await at.get(path, at.keys.buyer)).status).toBe('active')
  at.setTime('2027-03-01T00:00:00.000Z')
  await at.advance()
  const expired = readAnswer(licenseSchema, await at.get(path, at.keys.buyer))
  expect(expired.history.map((step) => step.status)).toEqual([
    'draft',
    'offered',
    'accepted',
    'active',
    'expired',
  ])
  expect(expired.history[1]).toMatchObject({ reason: 'ready', at: '2026-03-01T00:00:00.000Z' })
  expect(expired.history.at(-1)).toMatchObject({ actor: 'system', at: '2027-03-01T00:00:00.000Z' })
  const events = await eventsOf(draft.id, 5)
  expect(events.map(({ kind }) => kind)).toEqual([
    'license.created',
    'license.offered',
    'license.accepted',
    'license.activated',
    'license.expired',
  ])
  const changes = events.map(({ data }) => data?.['change'] as { before?: string; after: string })
  expect(changes[0]?.before).toBeUndefined()
  for (const [index, change] of changes.entries()) {
    if (index > 0) expect(change.before).toBe(changes[index - 1]?.after)
  }
  at.setTime('2026-03-01T00:00:00.000Z')
})

test('begins by the clock when its time is ahead', async () => {
  const offered = await at.create({ effective_from: '2026-04-01T00:00:00Z' })
  const accepted = await at.move(offered.id, 'accept', at.keys.buyer)
  expect(accepted).toMatchObject({ status: 'accepted', effective_until: '2027-04-01T00:00:00.000Z' })
  at.setTime('2026-04-01T00:00:00.000Z')
  await Promise.all([at.advance(), at.advance()])
  const active = readAnswer(licenseSchema, await at.get(`/v1/licenses/${offered.id}`, at.keys.operator))
  expect(active.status).toBe('active')
  expect(active.history.filter(({ status }) => status === 'active')).toHaveLength(1)
  at.setTime('2026-03-01T00:00:00.000Z')
})

test('an offer to a buyer lapses when its time is over', async () => {
  const { duration_days: _, ...terms } = samplePayload.terms
  const offered = await at.create({ terms, effective_until: '2026-03-02T00:00:00Z' })
  at.setTime('2026-03-02T00:00:00.000Z')
  await at.advance()
  const lapsed = readAnswer(licenseSchema, await at.get(`/v1/licenses/${offered.id}`, at.keys.buyer))
  expect(lapsed.status).toBe('expired')
  at.setTime('2026-03-01T00:00:00.000Z')
})

describe('ends', () => {
  test.each([
    ['revoke', 'operator', 'revoked'],
    ['revoke', 'creator', 'revoked'],
    ['terminate', 'creator', 'terminated'],
    ['terminate', 'buyer', 'terminated'],
    ['terminate', 'operator', 'terminated'],
  ] as const)('by %s of the %s: %s', async (action, who, status) => {
    const { id } = await at.create()
    await at.move(id, 'accept', at.keys.buyer)
    const ended = await at.move(id, action, at.keys[who], reason)
    expect(ended).toMatchObject({ status })
    expect(ended.history.at(-1)).toMatchObject({ status, reason: 'because' })
    for (const next of ['offer', 'accept', 'revoke', 'terminate', 'amend']) {
      expect(
        await at.refusal(at.post(`/v1/licenses/${id}/${next}`, at.keys.operator, withReason(next))),
      ).toBe('409 invalid_state')
    }
  })

  test('a buyer declines what it is offered', async () => {
    const { id } = await at.create()
    expect(await at.move(id, 'terminate', at.keys.buyer, reason)).toMatchObject({ status: 'terminated' })
  })

  test('a draft that was thrown away stays hidden from its buyer', async () => {
    const { id } = await at.create({ draft: true })
    await at.move(id, 'revoke', at.keys.operator, reason)
    expect(await at.refusal(at.get(`/v1/licenses/${id}`, at.keys.buyer))).toBe('404 license_not_found')
  })
})

const placeOf = (action: string) => (['get', 'update'].includes(action) ? '' : `/${action}`)

function bodyOf(action: string): object {
  return action === 'update' ? { metadata: {} } : withReason(action)
}

function withReason(action: string): object {
  return ['revoke', 'terminate', 'amend'].includes(action) ? reason : {}
}

describe('only who may', () => {
  const table: Record<string, string> = {
    update: 'buyer otherBuyer auditor',
    offer: 'buyer otherBuyer auditor',
    accept: 'creator otherCreator auditor',
    revoke: 'buyer otherBuyer auditor',
    terminate: 'auditor',
    amend: 'buyer otherBuyer auditor',
  }
  const cases = Object.entries(table).flatMap(([action, who]) =>
    who.split(' ').map((one) => [action, one as keyof AgreementsWorld['keys']] as const),
  )
  const refused = (action: string) => table[action]?.split(' ') ?? []
  test.each(cases)('%s is refused to the %s', async (action, who) => {
    const { id } = await at.create()
    const path = `/v1/licenses/${id}${placeOf(action)}`
    expect(await at.refusal(at.post(path, at.keys[who], bodyOf(action)))).toBe('403 forbidden')
  })

  const actions = ['update', 'offer', 'accept', 'revoke', 'terminate', 'amend', 'text', 'get']
  test.each(actions)('others get the 404 of what is missing: %s', async (action) => {
    const { id } = await at.create()
    const missing = 'lic_01kqxq5t8r0000000000000000'
    const ask = async (license: string, key: string) => {
      const path = `/v1/licenses/${license}${placeOf(action)}`
      const reads = action === 'get' || action === 'text'
      const answer = reads ? at.get(path, key) : at.post(path, key, bodyOf(action))
      const { request_id: _, instance, ...problem } = problemOf(await answer)
      return { ...problem, instance: instance?.replace(license, 'ID') }
    }
    const wanted = await ask(missing, at.keys.operator)
    expect(wanted.status).toBe(404)
    const others = (['otherBuyer', 'otherCreator', 'stranger'] as const).filter(
      (who) => !refused(action).includes(who),
    )
    for (const who of others) expect(await ask(id, at.keys[who]), who).toEqual(wanted)
  })
})

describe('is changed', () => {
  test('in all its terms while it is a draft', async () => {
    const [a, b] = await at.register('a', 'b')
    const draft = await at.create({ draft: true, metadata: { a: '1' } })
    const changed = readAnswer(
      licenseSchema,
      await at.post(`/v1/licenses/${draft.id}`, at.keys.creator, {
        buyer_id: 'dev_2',
        pricing: { model: 'usage', metric: 'tokens', unit_price: '0.001' },
        currency: 'EUR',
        items: ['a', 'a', 'b'],
        reason: 'typo',
      }),
    )
    expect(changed).toMatchObject({
      buyer_id: 'dev_2',
      currency: 'EUR',
      items: [a, b],
      metadata: { a: '1' },
    })
    expect(changed.terms).toEqual(draft.terms)
    const events = await eventsOf(draft.id, 2)
    expect(events[1]).toMatchObject({ kind: 'license.updated', data: { change: { reason: 'typo' } } })
    const bad = at.post(`/v1/licenses/${draft.id}`, at.keys.creator, { currency: 'ZZZ' })
    expect(await at.refusal(bad)).toBe('400 validation_failed')
  })

  test('in its metadata only once it was offered', async () => {
    const { id } = await at.create()
    const path = `/v1/licenses/${id}`
    const metadata = { order: '7' }
    expect(readAnswer(licenseSchema, await at.post(path, at.keys.creator, { metadata }))).toMatchObject({
      metadata,
    })
    expect(await at.refusal(at.post(path, at.keys.creator, { currency: 'EUR' }))).toBe('409 invalid_state')
    expect(await at.refusal(at.post(path, at.keys.buyer, { metadata }))).toBe('403 forbidden')
    expect(await at.refusal(at.post(path, at.keys.creator, {}))).toBe('400 validation_failed')
  })
})

test('says where a use is both allowed and prohibited', async () => {
  const terms = { allowed_uses: ['train', 'inference'], prohibited_uses: ['inference'] }
  expect((await at.create({ terms })).notes).toEqual([
    'inference is both allowed and prohibited: it is prohibited',
  ])
})
