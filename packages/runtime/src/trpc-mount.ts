import type { AnyTRPCRouter } from '@trpc/server'
import { fastifyRequestHandler } from '@trpc/server/adapters/fastify'
import { Fault } from '@tallystick/protocol'
import type { FastifyInstance } from 'fastify'
import { admitCaller } from './admit.ts'
import { decodeUtf8, parseBody } from './parse-body.ts'
import { toFault } from './problem.ts'
import { requestContext } from './request-context.ts'
import type { Shell } from './request-context.ts'

const maxBatchSize = 20

/**
 * Serves `router` to tRPC clients at /trpc/<name>, with the keys, limits, body rules and problem documents of the REST
 * API. The service's name stands in the path, so that a proxy can tell services apart.
 */
export function registerTrpc<Deps>(
  server: FastifyInstance,
  { name, router }: { name: string; router: AnyTRPCRouter },
  shell: Shell<Deps>,
): void {
  void server.register(async (child) => {
    child.removeAllContentTypeParsers()
    // tRPC parses again what it is given; here the text is only held to the rules for JSON from strangers.
    child.addContentTypeParser<Buffer>('application/json', { parseAs: 'buffer' }, (_request, body, done) => {
      try {
        const text = decodeUtf8(body)
        parseBody(text)
        done(null, text)
      } catch (error) {
        done(toFault(error))
      }
    })
    child.route<{ Params: { path: string }; Querystring: { input?: unknown } }>({
      method: ['GET', 'POST'],
      url: `/trpc/${name}/:path`,
      onRequest: async (request, reply) => {
        if (request.headers.authorization === undefined) shell.limiter.ofAddress(request, reply)
        else await admitCaller(shell, request, reply)
      },
      handler: async (request, reply) => {
        const { input } = request.query
        if (Array.isArray(input)) throw new Fault('bad_request', { detail: 'The query has several inputs' })
        if (typeof input === 'string') parseBody(input)
        await fastifyRequestHandler({
          router,
          req: request,
          res: reply,
          path: request.params.path,
          maxBatchSize,
          createContext: () => requestContext(shell, request, reply, 'trpc'),
          onError: ({ error, path }) => {
            const fault = toFault(error)
            if (fault.code !== 'internal') return
            shell.log.error({ request_id: request.id, path, err: fault.cause ?? fault }, 'request failed')
          },
        })
        return reply
      },
    })
  })
}
