import { errorTable, Fault } from '@tallystick/protocol'
import Fastify from 'fastify'
import type { FastifyInstance, RouteHandlerMethod } from 'fastify'
import { openApiDocument } from './openapi.ts'
import type { Operation } from './operations.ts'

/**
 * /v1/openapi.json, its browsable form at /docs (which loads nothing from outside, and where / leads), and the error
 * codes at /errors, where the `type` of every problem document points.
 */
export function registerDocs(
  server: FastifyInstance,
  operations: readonly Operation[],
  about: { name: string; version: string; description: string | undefined; url: () => string },
): void {
  const title = `Tallystick ${about.name}`
  let document: string | undefined
  server.get('/v1/openapi.json', async (_request, reply) => {
    document ??= JSON.stringify(openApiDocument(operations, { ...about, title, url: about.url() }))
    return reply.header('content-type', 'application/json; charset=utf-8').send(document)
  })
  server.get('/', async (_request, reply) => reply.redirect(`${about.url()}/docs`))
  server.get('/errors', async (_request, reply) => {
    return reply.header('content-type', 'text/html; charset=utf-8').send(errorPage(title))
  })
  registerReference(server, title)
}

/** The browsable form at /docs. Its script of some megabytes is read when the first request asks for any of it. */
function registerReference(server: FastifyInstance, title: string): void {
  let handlers: Map<string, RouteHandlerMethod> | undefined
  for (const url of ['/docs', '/docs/', '/docs/js/scalar.js']) {
    server.get(url, async (request, reply) => {
      // The handlers make a URL of it.
      if (!URL.canParse(`${request.protocol}://${request.hostname}`))
        throw new Fault('bad_request', { detail: 'The header host names no host' })
      // Only what was read is kept: after a failure, the next request tries again.
      handlers ??= await referenceHandlers(title)
      const handler = handlers.get(url)
      if (!handler) throw new Error(`The API reference has no ${url}`)
      return handler.call(server, request, reply)
    })
  }
}

/** The handlers of the API reference by URL. A server of their own collects them: one that runs takes no more routes. */
async function referenceHandlers(title: string): Promise<Map<string, RouteHandlerMethod>> {
  const { default: apiReference } = await import('@scalar/fastify-api-reference')
  const handlers = new Map<string, RouteHandlerMethod>()
  const collector = Fastify({ exposeHeadRoutes: false })
  collector.addHook('onRoute', ({ url, handler }) => void handlers.set(url, handler))
  await collector.register(apiReference, {
    routePrefix: '/docs',
    configuration: {
      url: '/v1/openapi.json',
      pageTitle: title,
      withDefaultFonts: false,
      telemetry: false,
      hideClientButton: true,
      showDeveloperTools: 'never',
      agent: { disabled: true },
      mcp: { disabled: true },
    },
  })
  return handlers
}

function errorPage(title: string): string {
  const rows = Object.entries(errorTable).map(
    ([code, { status, title, fix }]) =>
      `<h2 id="${code}">${code}</h2><p><b>${status}</b> ${escapeHtml(title)}</p><p>${escapeHtml(fix)}</p>`,
  )
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>${escapeHtml(title)}: errors</title><h1>Errors</h1>${rows.join('')}</html>`
}

function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}
