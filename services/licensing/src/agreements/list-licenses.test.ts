import { readAnswer } from '@tallystick/runtime/test-http'
import { license as licenseSchema, listOf } from '@tallystick/protocol'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startAgreementsWorld } from './agreements-world.ts'
import type { AgreementsWorld } from './agreements-world.ts'

let at: AgreementsWorld
beforeAll(async () => {
  at = await startAgreementsWorld()
})
afterAll(() => at.close())

describe('lists', () => {
  const page = listOf(licenseSchema)
  const ids = async (key: string, query: string) =>
    readAnswer(page, await at.get(`/v1/licenses?${query}`, key)).data.map(({ id }) => id)

  test('filter by status, parties and item, and show each caller its own', async () => {
    const items = ['list-item']
    const mine = await at.create({ items })
    at.setTime('2026-03-01T00:00:00.001Z')
    const draft = await at.create({ items, draft: true })
    at.setTime('2026-03-01T00:00:00.002Z')
    const others = await at.create({ items, creator_id: 'cr_2', buyer_id: 'dev_2' })
    const by = (who: keyof AgreementsWorld['keys'], query = '') =>
      ids(at.keys[who], `item=list-item&${query}`)
    expect(await by('operator')).toEqual([others.id, draft.id, mine.id])
    expect(await by('auditor')).toEqual([others.id, draft.id, mine.id])
    expect(await by('creator')).toEqual([draft.id, mine.id])
    expect(await by('buyer')).toEqual([mine.id])
    expect(await by('otherBuyer')).toEqual([others.id])
    expect(await by('stranger')).toEqual([])
    expect(await by('operator', 'status=draft')).toEqual([draft.id])
    expect(await by('operator', 'buyer_id=dev_2')).toEqual([others.id])
    expect(await by('operator', 'creator_id=cr_123&status=offered')).toEqual([mine.id])
    expect(await by('buyer', 'buyer_id=dev_2')).toEqual([])
    expect(await at.refusal(at.get('/v1/licenses?status=nonsense', at.keys.operator))).toBe(
      '400 validation_failed',
    )
  })

  test('page through both ways without a gap', async () => {
    const items = ['paged']
    const made: string[] = []
    for (let count = 0; count < 5; count++) {
      // Two in each millisecond: the id orders those.
      at.setTime(`2026-03-01T00:00:00.01${count >> 1}Z`)
      made.push((await at.create({ items })).id)
    }
    made.sort().reverse()
    const first = readAnswer(
      page,
      await at.get('/v1/licenses?buyer_id=dev_456&item=paged&limit=2', at.keys.operator),
    )
    const rest = readAnswer(
      page,
      await at.get(
        `/v1/licenses?buyer_id=dev_456&item=paged&limit=3&starting_after=${first.next_cursor}`,
        at.keys.operator,
      ),
    )
    expect([...first.data, ...rest.data].map(({ id }) => id)).toEqual(made)
    const back = readAnswer(
      page,
      await at.get(
        `/v1/licenses?buyer_id=dev_456&item=paged&limit=3&ending_before=${first.next_cursor}`,
        at.keys.operator,
      ),
    )
    expect(back.data.map(({ id }) => id)).toEqual(made.slice(0, 1))
    const cursor = at.get(`/v1/licenses?starting_after=${first.next_cursor}x.y`, at.keys.operator)
    expect(await at.refusal(cursor)).toBe('400 validation_failed')
    const foreign = at.get(`/v1/licenses?starting_after=${first.next_cursor}`, at.keys.stranger)
    expect(await at.refusal(foreign)).toBe('400 validation_failed')
  })
})
