import type { AnyTRPCProcedure, AnyTRPCRouter } from '@trpc/server'
import { fastifyRequestHandler } from '@trpc/server/adapters/fastify'
import { Fault } from '@tallystick/protocol'
import type { FastifyInstance } from 'fastify'
import type { ProcedureMeta } from './api.ts'
import { admitCaller } from './admit.ts'
import { decodeUtf8, parseBody } from './parse-body.ts'
import { toFault } from './problem.ts'
import { requestContext } from './request-context.ts'
import type { Shell } from './request-context.ts'
import { deprecationHeaders } from './route-headers.ts'

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
    const procedures = Object.entries<AnyTRPCProcedure>(router._def.procedures)
    const going = new Map(
      procedures.flatMap(
        ([
          path,
          {
            _def: { meta },
          },
        ]) => {
          const headers = deprecationHeaders((meta as ProcedureMeta | undefined)?.deprecated)
          return headers.length > 0 ? [[path, headers] as const] : []
        },
      ),
    )
    // Of a batch, the first that goes: a header can tell of one alone.
    const goingHeaders = (path: string) => {
      if (going.size === 0) return []
      const first = path.split(',').find((one) => going.has(one))
      return going.get(first ?? '') ?? []
    }
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
        for (const [name, value] of goingHeaders(request.params.path)) reply.header(name, value)
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
