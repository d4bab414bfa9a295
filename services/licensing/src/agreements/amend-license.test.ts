import { readAnswer } from '@tallystick/runtime/test-http'
import { license as licenseSchema } from '@tallystick/protocol'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startAgreementsWorld } from './agreements-world.ts'
import type { AgreementsWorld } from './agreements-world.ts'

let at: AgreementsWorld
beforeAll(async () => {
  at = await startAgreementsWorld()
})
afterAll(() => at.close())

const better = { pricing: { model: 'royalty', rate: '0.06' }, reason: 'new rate' }
const get = async (id: string) =>
  readAnswer(licenseSchema, await at.get(`/v1/licenses/${id}`, at.keys.operator))

async function active(given: object = {}): Promise<string> {
  const { id } = await at.create(given)
  await at.move(id, 'accept', at.keys.buyer)
  return id
}

test('an amendment takes the place of the agreement once it is accepted', async () => {
  const old = await active({ terms: { exclusive: true, duration_days: 365 }, items: ['amended'] })
  at.setTime('2026-03-11T00:00:00.000Z')
  const next = await at.move(old, 'amend', at.keys.creator, better)
  expect(next).toMatchObject({
    status: 'offered',
    revision: 2,
    supersedes: old,
    pricing: better.pricing,
    items: ['amended'],
    effective_until: '2027-03-01T00:00:00.000Z',
  })
  expect(await get(old)).toMatchObject({ status: 'active' })
  const accepted = await at.move(next.id, 'accept', at.keys.buyer)
  expect(accepted).toMatchObject({ status: 'active', effective_until: '2027-03-01T00:00:00.000Z' })
  expect(await get(old)).toMatchObject({ status: 'superseded', superseded_by: next.id })
  expect(await at.refusal(at.post(`/v1/licenses/${old}/amend`, at.keys.creator, better))).toBe(
    '409 invalid_state',
  )
  const third = await at.move(next.id, 'amend', at.keys.operator, better)
  expect(third).toMatchObject({ revision: 3, supersedes: next.id })
  at.setTime('2026-03-01T00:00:00.000Z')
})

test('until it begins the old agreement holds; then one commit of the clock changes them', async () => {
  const old = await active()
  const later = { ...better, effective_from: '2026-06-01T00:00:00Z' }
  const next = await at.move(old, 'amend', at.keys.creator, later)
  expect(await at.move(next.id, 'accept', at.keys.buyer)).toMatchObject({ status: 'accepted' })
  expect(await get(old)).toMatchObject({ status: 'active' })
  at.setTime('2026-06-01T00:00:00.000Z')
  await Promise.all([at.advance(), at.advance()])
  const [before, after] = [await get(old), await get(next.id)]
  expect(before).toMatchObject({ status: 'superseded', superseded_by: next.id })
  expect(after.status).toBe('active')
  expect(before.history.at(-1)?.at).toBe(after.history.at(-1)?.at)
  at.setTime('2026-03-01T00:00:00.000Z')
})

test('a renewal that begins when the agreement ends follows on it', async () => {
  const old = await active({ terms: { duration_days: 31 } })
  const next = await at.move(old, 'amend', at.keys.creator, {
    reason: 'renewal',
    effective_from: '2026-04-01T00:00:00Z',
  })
  await at.move(next.id, 'accept', at.keys.buyer)
  at.setTime('2026-04-01T00:00:00.000Z')
  await at.advance()
  await at.advance()
  expect((await get(old)).status).toMatch(/^(expired|superseded)$/)
  expect(await get(next.id)).toMatchObject({ status: 'active', effective_until: '2026-05-02T00:00:00.000Z' })
  at.setTime('2026-03-01T00:00:00.000Z')
})

test('what has not begun is amended without beginning sooner', async () => {
  const { id } = await at.create({ effective_from: '2026-06-01T00:00:00Z' })
  await at.move(id, 'accept', at.keys.buyer)
  const next = await at.move(id, 'amend', at.keys.creator, better)
  const accepted = await at.move(next.id, 'accept', at.keys.buyer)
  expect(accepted).toMatchObject({ status: 'accepted', effective_from: '2026-06-01T00:00:00.000Z' })
  at.setTime('2026-06-01T00:00:00.000Z')
  await at.advance()
  await at.advance()
  expect(await get(id)).toMatchObject({ status: 'superseded' })
  expect(await get(next.id)).toMatchObject({ status: 'active', effective_until: '2027-06-01T00:00:00.000Z' })
  at.setTime('2026-03-01T00:00:00.000Z')
})

test('one amendment waits at a time, and a declined one makes room', async () => {
  const old = await active()
  const next = await at.move(old, 'amend', at.keys.creator, better)
  const again = at.post(`/v1/licenses/${old}/amend`, at.keys.creator, better)
  expect(await at.refusal(again)).toBe('409 invalid_state')
  await at.move(next.id, 'terminate', at.keys.buyer, { reason: 'too dear' })
  expect(await get(old)).toMatchObject({ status: 'active' })
  expect((await at.move(old, 'amend', at.keys.creator, better)).status).toBe('offered')
})

test('of two amendments at once one is made', async () => {
  const old = await active()
  const answers = await Promise.all(
    [1, 2, 3, 4].map(() => at.post(`/v1/licenses/${old}/amend`, at.keys.creator, better)),
  )
  expect(answers.map(({ status }) => status).sort((a, b) => a - b)).toEqual([201, 409, 409, 409])
})

test('an agreement that ends takes its waiting amendment along', async () => {
  for (const accepted of [false, true]) {
    const old = await active()
    const next = await at.move(old, 'amend', at.keys.creator, {
      ...better,
      effective_from: '2026-06-01T00:00:00Z',
    })
    if (accepted) await at.move(next.id, 'accept', at.keys.buyer)
    await at.move(old, 'revoke', at.keys.creator, { reason: 'consent withdrawn' })
    expect(await get(next.id)).toMatchObject({ status: 'revoked' })
    expect(await at.refusal(at.post(`/v1/licenses/${next.id}/accept`, at.keys.buyer))).toBe(
      '409 invalid_state',
    )
  }
})

test('only what holds can be amended, and only soundly', async () => {
  const { id } = await at.create()
  expect(await at.refusal(at.post(`/v1/licenses/${id}/amend`, at.keys.creator, better))).toBe(
    '409 invalid_state',
  )
  const old = await active()
  const wrong = at.post(`/v1/licenses/${old}/amend`, at.keys.creator, { ...better, currency: 'ZZZ' })
  expect(await at.refusal(wrong)).toBe('400 validation_failed')
  const silent = at.post(`/v1/licenses/${old}/amend`, at.keys.creator, { pricing: better.pricing })
  expect(await at.refusal(silent)).toBe('400 validation_failed')
})
