import { problemOf, readAnswer, until } from '@tallystick/runtime/test-http'
import { verifyEvidence } from '@tallystick/evidence'
import { auditRecordDetail, newId } from '@tallystick/protocol'
import { systemEntropy } from '@tallystick/runtime'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { startHttpWorld } from './http-world.ts'
import type { HttpWorld } from './http-world.ts'
import * as wire from './schemas.ts'

const { random } = systemEntropy()
const account = () => newId('account', new Date(), random)
const kept = 'lic_kept'
let world: HttpWorld
let service: string
let tenant: string
let key: string

beforeAll(async () => {
  world = await startHttpWorld()
  service = await world.keyOf(account(), ['service'])
})
beforeEach(async () => {
  tenant = account()
  key = await world.keyOf(tenant)
})
afterAll(() => world.close())

const event = () => `own-${newId('event', new Date(), random)}`

async function recordSome() {
  const [own, named, held, other] = await world.record(key, [
    { event: event(), actor: 'cr_1' },
    { event: event(), actor: 'acct_x', data: { consent: { subjects: ['cr_1'] } } },
    { event: event(), actor: 'cr_1', licenses: [kept] },
    { event: event(), actor: 'cr_12', data: { note: 'cr_1 is only mentioned in prose' } },
  ])
  if (!own || !named || !held || !other) throw new Error('four records')
  return { own, named, held, other }
}

async function erase(body: object) {
  return readAnswer(
    wire.erasureOutcome,
    await world.call('/v1/audit/erasures', { key: service, body: { tenant, ...body } }),
  )
}

async function hasBody(id: string): Promise<boolean> {
  const { body } = readAnswer(auditRecordDetail, await world.call(`/v1/audit/${id}`, { key }))
  return body !== undefined
}

describe('an erasure', () => {
  test('takes event and salt of what names the subject, and keeps what a license keeps', async () => {
    const { own, named, held, other } = await recordSome()
    expect(await erase({ subject: 'cr_1', keep_licenses: [kept] })).toMatchObject({ erased: 2, kept: 1 })
    expect(await Promise.all([own, named, held, other].map(({ id }) => hasBody(id)))).toEqual([
      false,
      false,
      true,
      true,
    ])
  })

  test('tells in a dry run what each record names, and takes records by their audit ids', async () => {
    const { own, held } = await recordSome()
    const { ids, records } = await erase({ subject: 'cr_1', dry_run: true })
    expect(records?.map(({ id }) => id)).toEqual(ids)
    expect(records).toContainEqual({ id: held.id, licenses: [kept] })
    expect((await erase({ tenant: account(), ids: [own.id] })).erased).toBe(0)
    expect(await erase({ ids: [own.id] })).toMatchObject({ erased: 1, ids: [own.id] })
    expect(await Promise.all([own, held].map(({ id }) => hasBody(id)))).toEqual([false, true])
  })

  test('is idempotent, and of one tenant alone', async () => {
    await recordSome()
    const stranger = await erase({ tenant: account(), subject: 'cr_1' })
    expect(stranger.erased).toBe(0)
    expect((await erase({ subject: 'cr_1' })).erased).toBe(3)
    expect((await erase({ subject: 'cr_1' })).erased).toBe(0)
  })

  test('takes the records of one actor, of events, or of all before a moment', async () => {
    const { other, named } = await recordSome()
    expect((await erase({ actor: 'cr_12' })).erased).toBe(1)
    expect((await erase({ events: [other.event, named.event, 'evt_unknown'] })).erased).toBe(1)
    expect((await erase({ before: '2020-01-01T00:00:00.000Z' })).erased).toBe(0)
    expect((await erase({ before: new Date(Date.now() + 60_000).toISOString() })).erased).toBe(2)
  })

  test('leaves receipt, leaf and proof verifying, and answers 410 where the body is asked', async () => {
    const { own } = await recordSome()
    await erase({ subject: 'cr_1' })
    const evidence = await until(async () => {
      const answer = await world.call(`/v1/audit/${own.id}/evidence`, { key })
      return answer.status === 200 ? (JSON.parse(answer.text) as unknown) : undefined
    })
    const keys = readAnswer(wire.keys, await world.call('/v1/keys'))
    const jwks = z.looseObject({ jwks: z.custom<{ keys: [] }>() }).parse(keys).jwks
    const verdict = await verifyEvidence(evidence, { jwks, logKey: keys.log.key })
    expect(verdict.level).toBe('LOGGED')
    expect(verdict).toMatchObject({ receipt: { event: own.event } })
    expect(problemOf(await world.call(`/v1/audit/${own.id}/body`, { key }))).toMatchObject({
      status: 410,
      code: 'body_erased',
    })
  })

  test('runs page after page over more records than fit one', async () => {
    for (let round = 0; round < 2; round++) {
      await world.record(
        key,
        Array.from({ length: 600 }, () => ({ event: event(), actor: 'cr_1' })),
      )
    }
    let erased = 0
    let after: string | undefined
    do {
      const page: z.infer<typeof wire.erasureOutcome> = await erase({
        subject: 'cr_1',
        ...(after && { after }),
      })
      erased += page.erased
      after = page.next
    } while (after !== undefined)
    expect(erased).toBe(1200)
  })

  test('is not for the keys of a tenant, and says of whom it is', async () => {
    const body = { tenant, subject: 'cr_1' }
    expect(problemOf(await world.call('/v1/audit/erasures', { key, body })).status).toBe(403)
    for (const wrong of [{ tenant }, { tenant, subject: 'a', actor: 'b' }]) {
      expect(problemOf(await world.call('/v1/audit/erasures', { key: service, body: wrong })).status).toBe(
        400,
      )
    }
  })
})
