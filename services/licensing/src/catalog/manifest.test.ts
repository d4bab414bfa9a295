import { problemOf, readAnswer } from '@tallystick/runtime/test-http'
import { hash } from 'node:crypto'
import { dataset, listOf, item, manifestSummary } from '@tallystick/protocol'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startLicensingWorld } from '../licensing-world.ts'
import type { LicensingWorld } from '../licensing-world.ts'

const tenant = 'acct_01kqxq5t8r0000000000000000'
let world: LicensingWorld
let key: string

beforeAll(async () => {
  world = await startLicensingWorld()
  key = await world.keyOf({ tenant })
})
afterAll(() => world.close())

const digestOf = (text: string) => hash('sha256', text)
const sums = (name: string, count: number) =>
  Array.from({ length: count }, (_, index) => `${digestOf(`${name} ${index}`)}  ${name}/${index}.png\n`)

async function newDataset(): Promise<string> {
  const body = { name: 'Manifest', creators: ['cr_1'] }
  return readAnswer(dataset, await world.call('POST', '/v1/datasets', { key, body }), 201).id
}

async function total(id: string): Promise<number> {
  return readAnswer(dataset, await world.call('GET', `/v1/datasets/${id}`, { key })).items
}

function upload(id: string, type: string, body: unknown, as: string | undefined = key) {
  return world.call('POST', `/v1/datasets/${id}/manifest`, {
    key: as,
    body,
    headers: { 'content-type': type },
  })
}

test('registers what stands in a manifest of each format, and tells which lines were refused', async () => {
  const [a, b, c] = [digestOf('m a'), digestOf('m b'), digestOf('m c')]
  const id = await newDataset()
  const json = `\uFEFF{"hash":"sha256:${a}"}\r\n\r\nnonsense\n{"hash":"sha256:${b}","metadata":{"k":"v"}}`
  const first = readAnswer(manifestSummary, await upload(id, 'application/x-ndjson', json))
  expect(first).toMatchObject({ dataset: id, lines: 4, registered: 2, duplicates: 0, refused: 1 })
  expect(first.errors).toMatchObject([{ line: 3, code: 'validation_failed' }])
  const csv = `hash,reference\nsha256:${b},b.png\nsha256:${c},c.png\nsha256:${c},c.png\nx,y\n`
  const second = readAnswer(manifestSummary, await upload(id, 'text/csv; charset=utf-8', csv))
  expect(second).toMatchObject({ lines: 5, registered: 1, duplicates: 2, refused: 1 })
  const plain = `${a}  a.png\n${b}  b.png\n`
  expect(readAnswer(manifestSummary, await upload(id, 'text/plain', plain)).duplicates).toBe(2)
  expect(await total(id)).toBe(3)
  const listed = await world.call('GET', `/v1/items?dataset=${id}`, { key })
  expect(readAnswer(listOf(item), listed).data.length).toBe(3)
})

test('goes on where a broken upload ended when the manifest is sent again, and counts exactly', async () => {
  const id = await newDataset()
  const lines = sums('break', 6000)
  const broken = new ReadableStream<Uint8Array>({
    pull(controller) {
      const next = lines.slice(sent, (sent += 1500))
      if (sent > 4500) controller.error(new Error('the sender went away'))
      else controller.enqueue(Buffer.from(next.join('')))
    },
  })
  let sent = 0
  await expect(upload(id, 'text/plain', broken)).rejects.toThrow()
  const whole = readAnswer(manifestSummary, await upload(id, 'text/plain', lines.join('')))
  expect(whole.registered + whole.duplicates).toBe(6000)
  expect(await total(id)).toBe(6000)
  expect(readAnswer(manifestSummary, await upload(id, 'text/plain', lines.join(''))).duplicates).toBe(6000)
  expect(await total(id)).toBe(6000)
})

test('counts exactly when the same manifest arrives twice at once', async () => {
  const id = await newDataset()
  const text = sums('twice', 3500).join('')
  const answers = await Promise.all([upload(id, 'text/plain', text), upload(id, 'text/plain', text)])
  const summaries = answers.map((answer) => readAnswer(manifestSummary, answer))
  expect(summaries.reduce((sum, one) => sum + one.registered, 0)).toBe(3500)
  expect(summaries.reduce((sum, one) => sum + one.duplicates, 0)).toBe(3500)
  expect(await total(id)).toBe(3500)
})

test('refuses what it cannot read before it reads it', async () => {
  const id = await newDataset()
  expect(problemOf(await upload(id, 'application/json', '{}')).code).toBe('unsupported_media_type')
  expect(problemOf(await upload(id, 'text/html', 'x')).code).toBe('unsupported_media_type')
  expect(problemOf(await upload(id, 'text/plain', 'x', 'sk_test_x')).code).toBe('unauthorized')
  const reader = await world.keyOf({ tenant, scopes: ['catalog:read'] })
  expect(problemOf(await upload(id, 'text/plain', 'x', reader)).code).toBe('forbidden')
  const stranger = await world.keyOf({ tenant: 'acct_01kqxq5t8r0000000000000005' })
  expect(problemOf(await upload(id, 'text/plain', 'x', stranger)).code).toBe('not_found')
  expect(problemOf(await upload('ds_1', 'text/plain', 'x')).errors).toMatchObject([
    { pointer: '/dataset_id' },
  ])
  expect(problemOf(await upload(id, 'text/csv', 'name\nx\n')).code).toBe('validation_failed')
  const packed = { 'content-type': 'text/plain', 'content-encoding': 'gzip' }
  const answer = await world.call('POST', `/v1/datasets/${id}/manifest`, { key, body: 'x', headers: packed })
  expect(answer.status).toBe(415)
  expect(await total(id)).toBe(0)
})

test('tells the first hundred refusals of a hostile manifest and keeps no more of it', async () => {
  const id = await newDataset()
  const summary = readAnswer(manifestSummary, await upload(id, 'text/plain', 'garbage\n'.repeat(20_000)))
  expect(summary).toMatchObject({ lines: 20_000, registered: 0, refused: 20_000 })
  expect(summary.errors.length).toBe(100)
})
