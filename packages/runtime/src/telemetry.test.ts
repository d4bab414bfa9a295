import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import Fastify from 'fastify'
import { expect, test } from 'vitest'
import { startTelemetry, traceRequest } from './telemetry.ts'

test('sends a span for each request, and nothing else, to the configured endpoint', async () => {
  const received: string[] = []
  const collector = createServer((request, response) => {
    received.push(request.url ?? '')
    request.resume().on('end', () => response.end('{}'))
  })
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve))
  const endpoint = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`
  process.env.OTEL_EXPORTER_OTLP_ENDPOINT = endpoint
  const stop = await startTelemetry({ serviceName: 'test', endpoint })
  const server = Fastify()
  server.get('/', (request, reply) => traceRequest(request, async () => reply.send('ok')))
  expect((await server.inject('/')).body).toBe('ok')
  await stop()
  expect(received).toEqual(['/v1/traces'])
  await server.close()
  collector.close()
})

test('stays off without an endpoint', async () => {
  const stop = await startTelemetry({ serviceName: 'test', endpoint: undefined })
  await stop()
})
