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
