import { problemOf, readAnswer } from '@tallystick/runtime/test-http'
import { auditReceipt, listOf, newId } from '@tallystick/protocol'
import { systemEntropy } from '@tallystick/runtime'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startHttpWorld } from './http-world.ts'
import type { HttpWorld } from './http-world.ts'

const page = listOf(auditReceipt)
const tenant = 'acct_market'

let world: HttpWorld
let operator: string
let developer: string
let auditor: string
let ofOther: string
let ofOwn: string

beforeAll(async () => {
  world = await startHttpWorld()
  operator = await world.keyOf(tenant)
  developer = await world.keyOf(tenant, undefined, { account: 'acct_dev', role: 'developer' })
  auditor = await world.keyOf(tenant, undefined, { account: 'acct_auditor', role: 'auditor' })
  const [other, own] = await world.record(operator, [
    { event: 'evt_other', actor: 'acct_rival', licenses: ['lic_1'], data: { price: 'secret' } },
    { event: 'evt_own', actor: 'acct_dev', licenses: ['lic_1'] },
  ])
  if (!other || !own) throw new Error('two records')
  ofOther = other.id
  ofOwn = own.id
})
afterAll(() => world.close())

const listed = async (key: string, query = '') =>
  readAnswer(page, await world.call(`/v1/audit?${query}`, { key }))
    .data.map(({ id }) => id)
    .toSorted()

test('developers and creators list what their own account did, operators and auditors all', async () => {
  const creator = await world.keyOf(tenant, undefined, { account: 'acct_creator', role: 'creator' })
  const all = [ofOther, ofOwn].toSorted()
  expect(await listed(operator)).toEqual(all)
  expect(await listed(auditor)).toEqual(all)
  expect(await listed(developer)).toEqual([ofOwn])
  expect(await listed(developer, 'actor=acct_dev')).toEqual([ofOwn])
  expect(await listed(developer, 'actor=acct_rival')).toEqual([])
  expect(await listed(creator)).toEqual([])
  const byLicense = await world.call('/v1/audit?license=lic_1', { key: developer })
  expect([byLicense.status, problemOf(byLicense).code]).toEqual([400, 'validation_failed'])
})

test('the record of another account answers as one that is not there', async () => {
  for (const suffix of ['', '/body', '/proof', '/evidence']) {
    const told = await Promise.all(
      [ofOther, `aud_${'0'.repeat(26)}`].map(async (id) => {
        const answer = await world.call(`/v1/audit/${id}${suffix}`, { key: developer })
        const { request_id, instance } = problemOf(answer)
        return [answer.status, answer.text.replace(request_id, 'req').replace(instance, 'here')]
      }),
    )
    expect(told[0], suffix).toEqual(told[1])
    expect(told[0]?.[0]).toBe(404)
  }
  expect((await world.call(`/v1/audit/${ofOwn}`, { key: developer })).status).toBe(200)
})

test('administrative changes are for operators and auditors', async () => {
  for (const path of ['/v1/audit/changes', '/v1/audit/changes/export']) {
    expect((await world.call(path, { key: developer })).status).toBe(403)
    expect((await world.call(path, { key: auditor })).status).toBe(200)
  }
})

test('nobody but a service records under an id of the form that services use', async () => {
  const event = newId('event', new Date(), systemEntropy().random)
  const body = { records: [{ event, kind: 'usage.reported', actor: 'acct_dev' }] }
  for (const key of [operator, developer]) {
    const answer = await world.call('/v1/audit/records', { key, body })
    expect(problemOf(answer)).toMatchObject({
      code: 'validation_failed',
      errors: [{ pointer: '/records/0/event' }],
    })
  }
  const service = await world.keyOf(tenant, ['audit:write', 'service'])
  expect((await world.call('/v1/audit/records', { key: service, body })).status).toBe(200)
})

test('nobody but an operator records in the name of others, and an auditor nothing', async () => {
  const recordAs = (key: string, ...actors: string[]) =>
    world.call('/v1/audit/records', {
      key,
      body: {
        records: actors.map((actor, place) => ({ event: `evt_as_${actor}_${place}`, kind: 'a.b', actor })),
      },
    })
  expect((await recordAs(developer, 'acct_dev')).status).toBe(200)
  expect((await recordAs(developer, 'acct_dev', 'acct_rival')).status).toBe(403)
  expect((await recordAs(auditor, 'acct_auditor')).status).toBe(403)
  expect((await recordAs(operator, 'acct_rival')).status).toBe(200)
})
