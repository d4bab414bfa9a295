import { problemOf, readAnswer } from '@tallystick/runtime/test-http'
import { hash } from 'node:crypto'
import {
  license as licenseSchema,
  offer as offerSchema,
  template as templateSchema,
} from '@tallystick/protocol'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { samplePayload, startAgreementsWorld } from './agreements-world.ts'
import type { AgreementsWorld } from './agreements-world.ts'

let at: AgreementsWorld
let template: string
beforeAll(async () => {
  at = await startAgreementsWorld()
  const body = { name: 'Standard', text: '{{buyer}} may train models — for {{fee}}.' }
  template = readAnswer(templateSchema, await at.post('/v1/templates', at.keys.operator, body), 201).id
})
afterAll(() => at.close())

const variables = { buyer: 'Dev Ltd', fee: '{{buyer}}' }
const text = 'Dev Ltd may train models — for {{buyer}}.'
const text_hash = `sha256:${hash('sha256', text)}`

test('an agreement is bound to the exact text, which its parties can read', async () => {
  const made = await at.create({ legal_text: { template, variables } })
  expect(made.legal_text).toEqual({ template, version: 1, variables, text_hash })
  const path = `/v1/licenses/${made.id}/text`
  const told = await at.get(path, at.keys.buyer)
  expect(told.json).toEqual({
    object: 'license_text',
    license: made.id,
    template,
    version: 1,
    text_hash,
    text,
  })
  const headers = { accept: 'text/plain' }
  const plain = await at.world.call('GET', path, { key: at.keys.creator, headers })
  expect(plain.text).toBe(text)
  const used = readAnswer(templateSchema, await at.get(`/v1/templates/${template}`, at.keys.operator))
  expect(used.used).toBe(true)
})

test('without a text there is none to read', async () => {
  const { id } = await at.create()
  expect(await at.refusal(at.get(`/v1/licenses/${id}/text`, at.keys.buyer))).toBe('404 not_found')
})

test('offers, amendments and drafts bind theirs too', async () => {
  const offer = await at.offer({ legal_text: { template, variables } })
  expect(
    readAnswer(offerSchema, await at.get(`/v1/offers/${offer.id}`, at.keys.buyer)).legal_text?.text_hash,
  ).toBe(text_hash)
  const taken = await at.post('/v1/licenses', at.keys.buyer, { offer: offer.id, buyer_id: 'dev_456' })
  const { id, legal_text } = readAnswer(licenseSchema, taken, 201)
  expect(legal_text?.text_hash).toBe(text_hash)
  const changed = { template, variables: { buyer: 'Dev Ltd', fee: '1 EUR' } }
  const amended = await at.move(id, 'amend', at.keys.operator, { legal_text: changed, reason: 'fee' })
  expect(amended.legal_text?.variables).toEqual(changed.variables)
  const draft = await at.create({ draft: true })
  const bound = await at.post(`/v1/licenses/${draft.id}`, at.keys.operator, { legal_text: changed })
  expect(readAnswer(licenseSchema, bound).legal_text?.variables).toEqual(changed.variables)
})

test('a variable without a value is refused with its pointer', async () => {
  const body = { ...samplePayload, legal_text: { template, variables: { buyer: 'x' } } }
  const answer = await at.post('/v1/licenses', at.keys.operator, body)
  expect(answer.json).toMatchObject({
    code: 'validation_failed',
    errors: [{ pointer: '/legal_text/variables/fee' }],
  })
})

test('references become what they stand for, each once; a creator licenses only its own', async () => {
  const digest = `sha256:${'7'.repeat(64)}`
  const dataset = { name: 'd', reference: 'dataset_x', creators: ['cr_123'] }
  const made = await at.post('/v1/datasets', at.keys.operator, dataset)
  const { id } = made.json as { id: string }
  const item = { hash: digest, reference: 'file-7', creators: ['cr_123'] }
  const itemId = ((await at.post('/v1/items', at.keys.operator, item)).json as { id: string }).id
  const items = ['dataset_x', id, itemId, 'file-7', digest, 'unknown']
  expect((await at.create({ items })).items).toEqual([id, digest, 'unknown'])
  expect((await at.create({ items: items.slice(0, 5) }, at.keys.creator)).items).toEqual([id, digest])
  const stolen = { ...samplePayload, creator_id: 'cr_2', items }
  const answer = await at.post('/v1/licenses', at.keys.otherCreator, stolen)
  expect(answer.json).toMatchObject({ code: 'reference_not_found' })
  expect((answer.json as { errors: unknown[] }).errors).toHaveLength(6)
})

test('a creator cannot license beforehand what another will register, nor what stands for two things', async () => {
  const fromNow = `sha256:${'8'.repeat(64)}`
  const refused = (items: string[]) => at.post('/v1/licenses', at.keys.creator, { ...samplePayload, items })
  for (const items of [['to_come'], [fromNow]]) {
    expect(problemOf(await refused(items))).toMatchObject({
      code: 'reference_not_found',
      errors: [{ pointer: '/items/0' }],
    })
  }
  for (const [digit, creator] of [
    ['a', 'cr_123'],
    ['b', 'cr_2'],
  ] as const) {
    const item = { hash: `sha256:${digit.repeat(64)}`, reference: 'song', creators: [creator] }
    expect((await at.post('/v1/items', at.keys.operator, item)).status).toBe(201)
  }
  expect(problemOf(await refused(['song'])).code).toBe('reference_not_found')
  expect((await at.create({ items: ['to_come', 'song'] })).items).toEqual(['to_come', 'song'])
})
