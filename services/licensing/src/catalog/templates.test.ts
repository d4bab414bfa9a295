import { problemOf, readAnswer } from '@tallystick/runtime/test-http'
import { hash } from 'node:crypto'
import { listOf, template } from '@tallystick/protocol'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startLicensingWorld } from '../licensing-world.ts'
import type { LicensingWorld } from '../licensing-world.ts'
import { bindText } from './bind-text.ts'
import type { TextChoice } from './bind-text.ts'

const tenant = 'acct_01kqxq5t8r0000000000000000'
let world: LicensingWorld
let key: string

beforeAll(async () => {
  world = await startLicensingWorld()
  key = await world.keyOf({ tenant })
})
afterAll(() => world.close())

const sha256 = (text: string) => `sha256:${hash('sha256', text)}`

async function publish(text: string) {
  const body = { name: 'Standard', text }
  return readAnswer(template, await world.call('POST', '/v1/templates', { key, body }), 201)
}

const change = (id: string, body: object, as = key) =>
  world.call('POST', `/v1/templates/${id}`, { key: as, body })

/** What an agreement does when it is bound to a text. */
async function bind(choice: TextChoice) {
  const { store } = world.service
  return store.attempt(async () => {
    const { bound, text, writes } = await bindText({ store }, tenant, choice)
    await store.commit(writes)
    return { bound, text }
  })
}

test('binds an agreement to the exact text, with its values', async () => {
  const { id, variables, text_hash } = await publish('Für {{buyer}}: {{ terms }} — {{buyer}}.')
  expect(variables).toStrictEqual(['buyer', 'terms'])
  expect(text_hash).toBe(sha256('Für {{buyer}}: {{ terms }} — {{buyer}}.'))
  const values = { buyer: '{{terms}}', terms: 'train ∧ evaluate' }
  const { bound, text } = await bind({ template: id, variables: values })
  expect(text).toBe('Für {{terms}}: train ∧ evaluate — {{terms}}.')
  expect(bound).toStrictEqual({ template: id, version: 1, variables: values, text_hash: sha256(text) })
})

test('replaces an unused text in place, and never one that is used', async () => {
  const { id } = await publish('one')
  const replaced = readAnswer(template, await change(id, { text: 'two', name: 'Renamed' }))
  expect(replaced).toMatchObject({ version: 1, text: 'two', name: 'Renamed', used: false })
  await bind({ template: id, variables: {} })
  const next = readAnswer(template, await change(id, { text: 'three' }))
  expect(next).toMatchObject({ version: 2, text: 'three', used: false })
  const first = readAnswer(template, await world.call('GET', `/v1/templates/${id}?version=1`, { key }))
  expect(first).toMatchObject({ text: 'two', used: true })
  expect(readAnswer(template, await world.call('GET', `/v1/templates/${id}`, { key }))).toStrictEqual(next)
  const versions = await world.call('GET', `/v1/templates/${id}/versions`, { key })
  expect(readAnswer(listOf(template), versions).data).toStrictEqual([next, first])
  const raw = await world.call('GET', `/v1/templates/${id}/text?version=1`, { key })
  expect(raw.headers.get('content-type')).toMatch(/^text\/plain/)
  expect(raw.text).toBe('two')
  expect((await bind({ template: id, version: 1, variables: {} })).text).toBe('two')
})

test('keeps every text that was bound, however changes and agreements race', async () => {
  const { id } = await publish('start')
  const work = Array.from({ length: 24 }, (_, index) =>
    index % 2 === 0
      ? bind({ template: id, variables: {} })
      : change(id, { text: `text ${index}` }).then((answer) => {
          expect(answer.status).toBe(200)
          return undefined
        }),
  )
  for (const one of await Promise.all(work)) {
    if (!one) continue
    const url = `/v1/templates/${id}/text?version=${one.bound.version}`
    expect(sha256((await world.call('GET', url, { key })).text)).toBe(one.bound.text_hash)
  }
})

test('refuses values that do not fit, with pointers into the request of the agreement', async () => {
  const { id } = await publish('{{buyer}}')
  const choice = { template: id, variables: { byer: 'x' } }
  await expect(bind(choice)).rejects.toMatchObject({
    code: 'validation_failed',
    errors: [{ pointer: '/legal_text/variables/buyer' }, { pointer: '/legal_text/variables/byer' }],
  })
  await expect(bind({ ...choice, version: 2 })).rejects.toMatchObject({
    code: 'reference_not_found',
    errors: [{ pointer: '/legal_text/version' }],
  })
})

test('refuses a text with a mistyped variable when it is published', async () => {
  const body = { name: 'x', text: 'a\n{{buyer}' }
  const problem = problemOf(await world.call('POST', '/v1/templates', { key, body }))
  expect(problem.errors).toMatchObject([{ pointer: '/text' }])
})

test('lets operators publish, others of the marketplace read, and strangers nothing', async () => {
  const { id } = await publish('mine')
  const creator = await world.keyOf({ tenant, role: 'creator', account: 'acct_01kqxq5t8r0000000000000001' })
  const stranger = await world.keyOf({ tenant: 'acct_01kqxq5t8r0000000000000005' })
  expect((await world.call('GET', `/v1/templates/${id}`, { key: creator })).status).toBe(200)
  expect((await change(id, { text: 'other' }, creator)).status).toBe(403)
  for (const path of ['', '/versions', '/text'])
    expect((await world.call('GET', `/v1/templates/${id}${path}`, { key: stranger })).status).toBe(404)
  expect((await change(id, { text: 'other' }, stranger)).status).toBe(404)
  await expect(
    bindText(world.service, 'acct_01kqxq5t8r0000000000000005', { template: id, variables: {} }),
  ).rejects.toMatchObject({ code: 'reference_not_found' })
  const listed = await world.call('GET', '/v1/templates', { key: stranger })
  expect(readAnswer(listOf(template), listed).data).toStrictEqual([])
})
