import { contentHash } from '@tallystick/protocol'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startAgreementsWorld } from './agreements-world.ts'
import type { AgreementsWorld } from './agreements-world.ts'

let at: AgreementsWorld
let service: string
beforeAll(async () => {
  at = await startAgreementsWorld()
  service = await at.world.keyOf({ tenant: at.tenant, scopes: ['service'] })
})
afterAll(() => at.close())

const hashOf = (digit: string) => contentHash.parse(`sha256:${digit.repeat(64)}`)
const perItem = { model: 'per_item', unit_price: '0.5' }

async function told(license: string, more: object = {}) {
  const licenses = [{ license, ...more }]
  const { json } = await at.post('/v1/licenses/charges', service, { licenses })
  return (json as { data: unknown[] }).data[0]
}

test('billing is told how a license is paid, by whichever name of its buyer it asks, and until when it holds', async () => {
  const { id } = await at.create({ terms: { duration_days: 10 } })
  expect(await told(id)).toMatchObject({ license: id, status: 'offered' })
  await at.move(id, 'accept', at.keys.buyer)
  const charge = {
    license: id,
    status: 'active',
    pricing: { model: 'royalty', rate: '0.05' },
    currency: 'USD',
    effective_from: '2026-03-01T00:00:00.000Z',
    effective_until: '2026-03-11T00:00:00.000Z',
  }
  expect(await told(id, { actor: 'dev_456' })).toEqual(charge)
  expect(await told(id, { actor: at.accountOf('dev_456') })).toEqual(charge)
  expect([await told(id, { actor: 'dev_2' }), await told('lic_01kqxq5t8r0000000000000000')]).toEqual([
    null,
    null,
  ])
  const next = await at.move(id, 'amend', at.keys.creator, { pricing: perItem, reason: 'new price' })
  at.setTime('2026-03-02T00:00:00.000Z')
  await at.move(next.id, 'accept', at.keys.buyer)
  expect(await told(id)).toEqual({
    ...charge,
    status: 'superseded',
    superseded_by: next.id,
    ended_at: '2026-03-02T00:00:00.000Z',
  })
  const draft = await at.create({ draft: true })
  expect(await told(draft.id)).toBeNull()
  expect(
    await at.refusal(at.post('/v1/licenses/charges', at.keys.operator, { licenses: [{ license: id }] })),
  ).toBe('403 forbidden')
})

test('items of datasets are counted each once, and none are guessed', async () => {
  const [dataset = ''] = await at.register('counted')
  const register = (items: object[]) => at.post('/v1/items/batch', at.keys.operator, { items })
  const creators = ['cr_123']
  await register(['a', 'b', 'c'].map((digit) => ({ hash: hashOf(digit), dataset, creators })))
  await register([{ hash: hashOf('d'), creators }])
  const both = await at.create({ pricing: perItem, items: ['counted', hashOf('a'), hashOf('d')] })
  expect(await told(both.id, { count_items: true })).toMatchObject({ items: 4 })
  expect(await told(both.id)).not.toHaveProperty('items')
  const unknown = await at.create({ pricing: perItem, items: ['counted', 'not registered'] })
  expect(await told(unknown.id, { count_items: true })).not.toHaveProperty('items')
})
