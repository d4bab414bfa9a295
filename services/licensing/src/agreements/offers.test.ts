import { readAnswer } from '@tallystick/runtime/test-http'
import { license as licenseSchema, listOf, offer as offerSchema } from '@tallystick/protocol'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startAgreementsWorld } from './agreements-world.ts'
import type { AgreementsWorld } from './agreements-world.ts'

let at: AgreementsWorld
beforeAll(async () => {
  at = await startAgreementsWorld()
})
afterAll(() => at.close())

const take = (offer: string, key: string, given: object = {}) =>
  at.post('/v1/licenses', key, { offer, buyer_id: 'dev_456', ...given })

test('a buyer takes an offer: the agreement has its terms and is active at once', async () => {
  const items = await at.register('taken')
  const offer = await at.offer({ items, metadata: { a: '1' } }, at.keys.creator)
  const made = readAnswer(licenseSchema, await take(offer.id, at.keys.buyer, { metadata: { b: '2' } }), 201)
  expect(made).toMatchObject({
    status: 'active',
    offer: offer.id,
    creator_id: 'cr_123',
    items: offer.items,
    pricing: offer.pricing,
    terms: offer.terms,
    metadata: { a: '1', b: '2' },
  })
  expect(made.history.map(({ status }) => status)).toEqual(['draft', 'offered', 'accepted', 'active'])
})

test('an operator offers it to a buyer, who still has to accept', async () => {
  const offer = await at.offer()
  const made = readAnswer(licenseSchema, await take(offer.id, at.keys.operator), 201)
  expect(made.status).toBe('offered')
})

test('an exclusive offer can be taken once', async () => {
  const offer = await at.offer({ items: ['once'], terms: { exclusive: true } })
  const answers = await Promise.all([
    take(offer.id, at.keys.buyer),
    take(offer.id, at.keys.otherBuyer, { buyer_id: 'dev_2' }),
  ])
  expect(answers.map(({ status }) => status).sort((a, b) => a - b)).toEqual([201, 409])
})

test('what the offer gives cannot be given beside it', async () => {
  const offer = await at.offer()
  for (const given of [
    { items: ['x'] },
    { pricing: { model: 'royalty', rate: '0' } },
    { terms: {} },
    { currency: 'EUR' },
    { effective_until: '2030-01-01T00:00:00Z' },
    { draft: true },
  ]) {
    expect(await at.refusal(take(offer.id, at.keys.buyer, given)), JSON.stringify(given)).toBe(
      '400 validation_failed',
    )
  }
  expect(await at.refusal(take(offer.id, at.keys.buyer, { buyer_id: 'dev_2' }))).toBe('403 forbidden')
})

test('an unknown offer, another creator’s and another tenant’s are the same', async () => {
  const offer = await at.offer({ items: await at.register('own') }, at.keys.creator)
  const missing = 'offer_01kqxq5t8r0000000000000000'
  expect(await at.refusal(take(missing, at.keys.buyer))).toBe('422 reference_not_found')
  expect(await at.refusal(take(offer.id, at.keys.otherCreator))).toBe('422 reference_not_found')
  expect(await at.refusal(take(offer.id, at.keys.stranger))).toBe('422 reference_not_found')
  expect(await at.refusal(take(offer.id, at.keys.operator, { creator_id: 'cr_2' }))).toBe(
    '422 reference_not_found',
  )
})

test('withdrawn, it cannot be taken and buyers see it no more', async () => {
  const offer = await at.offer()
  const path = `/v1/offers/${offer.id}`
  expect(readAnswer(offerSchema, await at.get(path, at.keys.buyer)).status).toBe('open')
  const withdraw = (key: string) => at.post(`${path}/withdraw`, key, { reason: 'sold' })
  expect(await at.refusal(withdraw(at.keys.buyer))).toBe('403 forbidden')
  expect(await at.refusal(withdraw(at.keys.otherCreator))).toBe('404 not_found')
  expect(await at.refusal(withdraw(at.keys.stranger))).toBe('404 not_found')
  expect(readAnswer(offerSchema, await withdraw(at.keys.creator)).status).toBe('withdrawn')
  expect(await at.refusal(withdraw(at.keys.creator))).toBe('409 invalid_state')
  expect(await at.refusal(at.get(path, at.keys.buyer))).toBe('404 not_found')
  expect(await at.refusal(take(offer.id, at.keys.buyer))).toBe('422 reference_not_found')
  expect(await at.refusal(take(offer.id, at.keys.operator))).toBe('409 invalid_state')
})

test('from its time on it is expired', async () => {
  const offer = await at.offer({ expires_at: '2026-03-02T00:00:00Z' })
  const path = `/v1/offers/${offer.id}`
  at.setTime('2026-03-02T00:00:00.000Z')
  expect(readAnswer(offerSchema, await at.get(path, at.keys.operator)).status).toBe('expired')
  expect(await at.refusal(at.get(path, at.keys.buyer))).toBe('404 not_found')
  expect(await at.refusal(take(offer.id, at.keys.operator))).toBe('409 invalid_state')
  const late = at.post('/v1/offers', at.keys.operator, {
    items: ['x'],
    creator_id: 'c',
    pricing: { model: 'per_item', unit_price: '1' },
    expires_at: '2026-03-02T00:00:00Z',
  })
  expect(await at.refusal(late)).toBe('400 validation_failed')
  at.setTime('2026-03-01T00:00:00.000Z')
})

test('lists show buyers what is open, creators their own', async () => {
  const items = ['offered-item']
  const mine = await at.offer({ items })
  at.setTime('2026-03-01T00:00:00.001Z')
  const others = await at.offer({ items, creator_id: 'cr_2' })
  at.setTime('2026-03-01T00:00:00.002Z')
  const gone = await at.offer({ items })
  await at.post(`/v1/offers/${gone.id}/withdraw`, at.keys.operator)
  const ids = async (who: keyof AgreementsWorld['keys'], query = '') => {
    const answer = await at.get(`/v1/offers?item=offered-item&${query}`, at.keys[who])
    return readAnswer(listOf(offerSchema), answer).data.map(({ id }) => id)
  }
  expect(await ids('operator')).toEqual([gone.id, others.id, mine.id])
  expect(await ids('buyer')).toEqual([others.id, mine.id])
  expect(await ids('creator')).toEqual([gone.id, mine.id])
  expect(await ids('stranger')).toEqual([])
  expect(await ids('operator', 'status=withdrawn')).toEqual([gone.id])
  expect(await ids('operator', 'creator_id=cr_2')).toEqual([others.id])
  const all = readAnswer(listOf(offerSchema), await at.get('/v1/offers?status=open', at.keys.buyer)).data
  expect(all.map(({ id }) => id)).toContain(mine.id)
  at.setTime('2026-03-01T00:00:00.000Z')
})

test('only operators and creators offer, and creators in their own name', async () => {
  const body = { creator_id: 'cr_123', items: ['x'], pricing: { model: 'per_item', unit_price: '1' } }
  for (const key of [at.keys.buyer, at.keys.auditor, at.keys.otherCreator]) {
    expect(await at.refusal(at.post('/v1/offers', key, body))).toBe('403 forbidden')
  }
  const unsound = { ...body, terms: { region_restrictions: ['ZZ'] } }
  expect(await at.refusal(at.post('/v1/offers', at.keys.operator, unsound))).toBe('400 validation_failed')
})
