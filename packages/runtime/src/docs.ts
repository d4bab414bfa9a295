import { errorTable } from '@tallystick/protocol'
import type { FastifyInstance } from 'fastify'
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
  void server.register(async (child) => {
    const { default: apiReference } = await import('@scalar/fastify-api-reference')
    await child.register(apiReference, {
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
  })
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
