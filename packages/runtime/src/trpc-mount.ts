import type { AnyTRPCRouter } from '@trpc/server'
import { fastifyRequestHandler } from '@trpc/server/adapters/fastify'
import { Fault } from '@tallystick/protocol'
import type { FastifyInstance } from 'fastify'
import { decodeUtf8, parseBody } from './parse-body.ts'
import { toFault } from './problem.ts'
import { requestContext } from './request-context.ts'
import type { Shell } from './request-context.ts'

const maxBatchSize = 20

/** Serves `router` to tRPC clients at /trpc, with the keys, body rules and problem documents of the REST API. */
export function registerTrpc<Deps>(server: FastifyInstance, router: AnyTRPCRouter, shell: Shell<Deps>): void {
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
      url: '/trpc/:path',
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
          createContext: () => requestContext(shell, request, reply),
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
