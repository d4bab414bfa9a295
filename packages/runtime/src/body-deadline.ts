import type { IncomingMessage } from 'node:http'
import { Fault } from '@tallystick/protocol'
import type { FastifyInstance } from 'fastify'
import { refuseConnection } from './refuse-connection.ts'

/** How long bodies may take; see limitBodies. */
export interface BodyDeadline {
  deadlineMs?: number
  sweepMs?: number
  docsUrl: () => string
}

/**
 * Gives every body that is read as a whole a minute to arrive, and streamed ones as long as they move. Node's own
 * limit holds for all requests of a server alike and would cut an upload of hours.
 */
export function limitBodies(
  server: FastifyInstance,
  { deadlineMs = 60_000, sweepMs = Math.min(5000, deadlineMs / 10), docsUrl }: BodyDeadline,
): void {
  server.server.requestTimeout = 0
  // In the order of arrival, so a sweep ends at the first that still has time.
  const arriving = new Map<IncomingMessage, { since: number; answered: boolean }>()
  const sweep = setInterval(() => {
    const before = performance.now() - deadlineMs
    for (const [request, { since, answered }] of arriving) {
      if (since > before) break
      arriving.delete(request)
      if (request.complete) continue
      // Against senders that drip a body for hours.
      const fault = answered ? undefined : new Fault('request_timeout')
      refuseConnection(request.socket, fault, docsUrl())
    }
  }, sweepMs)
  sweep.unref()

  server.addHook('onRequest', (request, _reply, done) => {
    const { headers } = request
    const length = headers['content-length']
    if (headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0'))
      arriving.set(request.raw, { since: performance.now(), answered: false })
    done()
  })
  // By now the body is read, or handed on as a stream.
  server.addHook('preValidation', (request, _reply, done) => {
    arriving.delete(request.raw)
    done()
  })
  server.addHook('onResponse', ({ raw }, _reply, done) => {
    // An answer that came before the body was read does not end the sender's patience.
    arriving.delete(raw)
    if ('complete' in raw && !raw.complete && !raw.destroyed)
      arriving.set(raw, { since: performance.now(), answered: true })
    done()
  })
  server.addHook('onRequestAbort', (request, done) => {
    arriving.delete(request.raw)
    done()
  })
  server.addHook('onClose', (_server, done) => {
    clearInterval(sweep)
    done()
  })
}
