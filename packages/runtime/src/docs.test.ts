import { expect, test, vi } from 'vitest'
import { createApi } from './api.ts'
import { createServer } from './create-server.ts'
import { createLog } from './log.ts'

test('a reference that cannot be read is a failure of the requests for it, until it can', async () => {
  const log = createLog({ name: 'test', level: 'silent' })
  const server = createServer({ name: 'x', router: createApi<null>().router({}), deps: null, log })
  vi.doMock('@scalar/fastify-api-reference', () => {
    throw new Error('EMFILE: too many open files')
  })
  for (const url of ['/docs', '/docs/', '/docs/js/scalar.js']) {
    const answer = await server.inject(url)
    expect([answer.statusCode, answer.json()]).toMatchObject([500, { code: 'internal' }])
    expect(answer.body).not.toContain('EMFILE')
  }
  expect((await server.inject('/livez')).statusCode).toBe(200)
  vi.doUnmock('@scalar/fastify-api-reference')
  expect((await server.inject('/docs/')).body).toContain('Tallystick x')
  await server.close()
})

test('a request for it by a name that cannot be a host is refused', async () => {
  const log = createLog({ name: 'test', level: 'silent' })
  const server = createServer({ name: 'x', router: createApi<null>().router({}), deps: null, log })
  for (const host of ['a b', '[', 'a|b', '%zz', '1.2.3.256']) {
    const answer = await server.inject({ url: '/docs', headers: { host } })
    expect([host, answer.statusCode, answer.json()]).toMatchObject([host, 400, { code: 'bad_request' }])
  }
  expect((await server.inject({ url: '/docs', headers: { host: 'log.example:8443' } })).statusCode).toBe(301)
  await server.close()
})
