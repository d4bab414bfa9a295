import type { IncomingMessage } from 'node:http'
import type { FastifyInstance } from 'fastify'

const deadlineMs = 60_000
const sweepMs = 5000

/**
 * Gives every body that is read as a whole a minute to arrive, and streamed ones as long as they move. Node's own
 * limit holds for all requests of a server alike and would cut a manifest of millions of lines.
 */
export function limitBodies(server: FastifyInstance, { now = () => performance.now() } = {}): void {
  server.server.requestTimeout = 0
  // In the order of arrival, so a sweep ends at the first that still has time.
  const arriving = new Map<IncomingMessage, number>()
  const sweep = setInterval(() => {
    const before = now() - deadlineMs
    for (const [request, since] of arriving) {
      if (since > before) break
      arriving.delete(request)
      // Against senders that drip a body for hours.
      request.socket.destroy()
    }
  }, sweepMs)
  sweep.unref()

  server.addHook('onRequest', (request, _reply, done) => {
    const { headers } = request
    const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
    if (hasBody) arriving.set(request.raw, now())
    done()
  })
  // By now the body is read, or handed on as a stream.
  server.addHook('preValidation', (request, _reply, done) => {
    arriving.delete(request.raw)
    done()
  })
  server.addHook('onResponse', (request, _reply, done) => {
    arriving.delete(request.raw)
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
