import { problemOf } from '@tallystick/runtime/test-http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { samplePayload, startAgreementsWorld } from './agreements-world.ts'
import type { AgreementsWorld } from './agreements-world.ts'

let at: AgreementsWorld
beforeAll(async () => {
  at = await startAgreementsWorld()
})
afterAll(() => at.close())

describe('is refused at creation:', () => {
  const split = (...shares: string[]) => ({ splits: shares.map((share) => ({ party: 'p', share })) })
  const escrow = (...shares: string[]) => ({
    model: 'escrow',
    amount: 100,
    milestones: shares.map((share) => ({ name: 'm', share })),
  })
  test.each([
    ['no items', { items: undefined }, '/items'],
    ['no pricing', { pricing: undefined }, '/pricing'],
    ['an unknown field', { nonsense: 1 }, '/nonsense'],
    ['no creator', { creator_id: undefined }, '/creator_id'],
    ['an object as buyer', { buyer_id: { $gt: '' } }, '/buyer_id'],
    ['a currency that does not exist', { currency: 'ZZZ' }, '/currency'],
    ['a withdrawn currency', { currency: 'DEM' }, '/currency'],
    [
      'a region that does not exist',
      { terms: { region_restrictions: ['DE', 'ZZ'] } },
      '/terms/region_restrictions/1',
    ],
    [
      'an excluded region that does not exist',
      { terms: { excluded_regions: ['UK'] } },
      '/terms/excluded_regions/0',
    ],
    ['splits above 1', { royalties: split('0.5', '0.500000000001') }, '/royalties/splits'],
    ['a floor above the cap', { royalties: { floor: 2, cap: 1 } }, '/royalties/floor'],
    ['milestones below 1', { pricing: escrow('0.5', '0.499999999999') }, '/pricing/milestones'],
    ['milestones above 1', { pricing: escrow('0.1', '0.2', '0.700000000001') }, '/pricing/milestones'],
    ['a rate above 1', { pricing: { model: 'royalty', rate: 1.5 } }, '/pricing/rate'],
    ['a duration of half a day', { terms: { duration_days: 0.5 } }, '/terms/duration_days'],
    ['an end before now', { terms: {}, effective_until: '2020-01-01T00:00:00Z' }, '/effective_until'],
    ['an end and a duration', { effective_until: '2028-01-01T00:00:00Z' }, '/effective_until'],
    [
      'an end that is not its duration',
      { effective_from: '2026-04-01T00:00:00Z', effective_until: '2028-01-01T00:00:00Z' },
      '/effective_until',
    ],
  ])('%s', async (_, given, pointer) => {
    const problem = problemOf(await at.post('/v1/licenses', at.keys.operator, { ...samplePayload, ...given }))
    expect(problem).toMatchObject({ status: 400, code: 'validation_failed' })
    expect(problem.errors?.map((error) => error.pointer)).toContain(pointer)
  })

  test('shares that a float would not add up to 1 are exact', async () => {
    const pricing = escrow('0.1', '0.2', '0.7')
    expect(await at.create({ pricing, royalties: split('0.1', '0.2', '0.7') })).toMatchObject({ pricing })
  })

  test('another creator’s name, by a creator', async () => {
    const body = { ...samplePayload, creator_id: 'cr_2' }
    expect(await at.refusal(at.post('/v1/licenses', at.keys.creator, body))).toBe('403 forbidden')
  })

  test('a buyer without an offer, and a reader', async () => {
    for (const key of [at.keys.buyer, at.keys.auditor]) {
      expect(await at.refusal(at.post('/v1/licenses', key, samplePayload))).toBe('403 forbidden')
    }
  })

  test('a template that does not exist', async () => {
    const legal_text = { template: 'tmpl_01kqxq5t8r0000000000000000' }
    const answer = at.post('/v1/licenses', at.keys.operator, { ...samplePayload, legal_text })
    expect(await at.refusal(answer)).toBe('422 reference_not_found')
  })

  test('no idempotency key', async () => {
    const answer = at.world.call('POST', '/v1/licenses', { key: at.keys.operator, body: samplePayload })
    expect(await at.refusal(answer)).toBe('400 idempotency_key_missing')
  })

  test('a key without the scope', async () => {
    const key = await at.world.keyOf({ tenant: at.tenant, scopes: ['licenses:read'] })
    expect(await at.refusal(at.post('/v1/licenses', key, samplePayload))).toBe('403 forbidden')
  })
})
