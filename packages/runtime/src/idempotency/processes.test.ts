import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { testDatabase } from '@tallystick/storage/test-database'
import type { TestDatabase } from '@tallystick/storage/test-database'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { orders, startSample } from './sample-service.ts'
import type { SampleService } from './sample-service.ts'

let database: TestDatabase
let sample: SampleService
const children = new Set<ChildProcess>()

beforeAll(async () => {
  database = await testDatabase()
  sample = await startSample(database.url)
})
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL')
  await sample.close()
  await database.drop()
})

interface Told {
  id?: string
  code?: string
}

async function startChild(death = ''): Promise<{ url: string; ended: Promise<unknown> }> {
  const file = new URL('sample-child.ts', import.meta.url)
  const child = fork(file, [database.url, death], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    execArgv: [],
  })
  children.add(child)
  const ended = new Promise((resolve) => {
    child.once('exit', (_code, signal) => {
      children.delete(child)
      resolve(signal)
    })
  })
  if (!child.stdout) throw new Error('the child has no output')
  for await (const line of createInterface(child.stdout)) return { url: line, ended }
  throw new Error('the child ended before it listened')
}

const order = (url: string, secret: string, path = '/v1/orders') =>
  fetch(url + path, {
    method: 'POST',
    body: '{"name":"race"}',
    headers: {
      authorization: `Bearer ${secret}`,
      'content-type': 'application/json',
      'idempotency-key': 'one',
    },
  })
const made = async (tenant: string) =>
  (await sample.store.find(orders.byTenant, { equals: [tenant] })).items.map(({ id }) => id)

test('50 requests with one key, at once, to two processes, make one object', async () => {
  const secret = await sample.keyOf('acct_race')
  const urls = [await startChild(), await startChild()].map(({ url }) => url)
  const answers = await Promise.all(
    Array.from({ length: 50 }, async (_, place) => {
      const answer = await order(urls[place % 2] ?? '', secret)
      return { status: answer.status, json: (await answer.json()) as Told }
    }),
  )
  const good = answers.filter(({ status }) => status === 201)
  const [id] = await made('acct_race')
  expect(await made('acct_race')).toHaveLength(1)
  expect(good.length).toBeGreaterThan(0)
  expect(new Set(good.map(({ json }) => json.id))).toEqual(new Set([id]))
  const others = answers.filter(({ status }) => status !== 201)
  expect(new Set(others.map(({ json }) => json.code))).toEqual(
    new Set(others.length > 0 ? ['idempotency_in_progress'] : []),
  )
  expect(await (await order(urls[0] ?? '', secret)).json()).toMatchObject({ id })
})

test.each([
  ['before the claim', '/v1/orders', 0],
  ['after the claim', '/v1/orders', 0],
  ['in plan', '/v1/orders', 0],
  ['before the commit', '/v1/orders', 0],
  ['after the commit', '/v1/orders', 1],
  ['in pay', '/v1/orders/pay', 1],
  ['before the commit', '/v1/orders/pay', 1],
  ['after the commit', '/v1/orders/pay', 1],
])(
  'a process killed %s of %s leaves one or none; the repetition gets the right answer at once',
  async (death, path, left) => {
    const tenant = `acct_${death.replaceAll(' ', '_')}${path.replaceAll('/', '_')}`
    const secret = await sample.keyOf(tenant)
    const child = await startChild(death)
    await expect(order(child.url, secret, path)).rejects.toThrow()
    expect(await child.ended).toBe('SIGKILL')
    expect(await made(tenant)).toHaveLength(left)
    const answer = await order(sample.url, secret, path)
    const { id } = (await answer.json()) as Told
    expect(answer.ok).toBe(true)
    expect(answer.headers.get('idempotent-replayed')).toBe(death === 'after the commit' ? 'true' : null)
    expect(await made(tenant)).toEqual([id])
  },
)
