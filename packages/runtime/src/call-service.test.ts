import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Fault } from '@tallystick/protocol'
import { afterEach, expect, test } from 'vitest'
import { bodyOf, callService } from './call-service.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
})

/** A service at an address of its own, which does with a request what it is told. */
async function serve(answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const server = createServer(answer).listen(0, '127.0.0.1')
  await once(server, 'listening')
  cleanups.push(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return { name: 'licensing', url: `http://127.0.0.1:${address.port}/`, key: 'sk_test_key' }
}

const failure = async (call: Promise<unknown>) => {
  const error: unknown = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof Fault)) throw new Error('it was no Fault')
  return error
}

test('a call names the tenant and carries key, body and idempotency key', async () => {
  const remote = await serve((request, response) => {
    const { method, url, headers } = request
    const { authorization, 'tallystick-tenant': tenant, 'idempotency-key': once } = headers
    response.end(JSON.stringify([method, url, authorization, tenant, once]))
  })
  const told = { path: '/v1/x', tenant: 'acct_1', body: {}, idempotencyKey: 'k' }
  const sent = ['POST', '/v1/x', 'Bearer sk_test_key', 'acct_1', 'k']
  expect(await callService(remote, told)).toEqual({ status: 200, body: sent })
  const asked = ['GET', '/v1/x', 'Bearer sk_test_key', null, null]
  expect((await callService(remote, { path: '/v1/x' })).body).toEqual(asked)
})

test('a service that fails, refuses the key or is another program is unavailable; why, only the log learns', async () => {
  const answers: [number, string][] = [
    [500, '{"code":"internal"}'],
    [502, '<html>'],
    [401, '{"code":"unauthorized"}'],
    [403, '{"code":"forbidden"}'],
    [429, '{"code":"rate_limited"}'],
    [200, '<html>a page'],
  ]
  for (const [status, text] of answers) {
    const remote = await serve((_request, response) => response.writeHead(status).end(text))
    const fault = await failure(callService(remote, { path: '/v1/x' }))
    expect([status, fault.code, fault.detail]).toEqual([
      status,
      'unavailable',
      'The licensing service does not answer at the moment',
    ])
    expect(fault.cause).toBeInstanceOf(Error)
  }
})

test('a service that is gone, or that takes the call and is silent, is unavailable', async () => {
  const silent = await serve(() => {})
  expect((await failure(callService(silent, { path: '/', timeoutMs: 50 }))).code).toBe('unavailable')
  const gone = await serve((request) => request.socket.destroy())
  expect((await failure(callService(gone, { path: '/' }))).code).toBe('unavailable')
})

test('a refusal of the request is an answer, and no body for who expects success', async () => {
  const remote = await serve((_request, response) => response.writeHead(404).end('{"code":"not_found"}'))
  const call = { path: '/v1/x' }
  const answer = await callService(remote, call)
  expect(answer).toEqual({ status: 404, body: { code: 'not_found' } })
  expect(() => bodyOf(call, answer)).toThrow('/v1/x was answered with 404: {"code":"not_found"}')
})
