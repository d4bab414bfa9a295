import type { FastifyInstance } from 'fastify'
import type { Operation } from './operations.ts'

/** Whether any web page may read what the operation answers. */
export function isPublicRead({ meta, rest }: Operation): boolean {
  return meta.scope === 'public' && rest.method === 'GET'
}

/**
 * Answers OPTIONS: which methods a path takes and, where anyone may read it, that a page of any origin may (CORS
 * preflight). Nothing is ever allowed with credentials: API keys do not belong into web pages.
 */
export function registerOptions(
  server: FastifyInstance,
  url: string,
  { allow, isPublic }: { allow: string; isPublic: boolean },
): void {
  server.options(url, async (_request, reply) => {
    reply.code(204).header('allow', allow)
    if (isPublic) {
      reply
        .header('access-control-allow-origin', '*')
        .header('access-control-allow-methods', 'GET, HEAD')
        .header('access-control-allow-headers', 'Accept, Content-Type')
        .header('access-control-max-age', '86400')
    }
    return reply.send()
  })
}
