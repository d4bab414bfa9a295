import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Fault } from '@tallystick/protocol'
import {
  connectionFault,
  createApi,
  createServer as createShell,
  mergeOpenApi,
  refuseConnection,
} from '@tallystick/runtime'
import type { createLog, Mode } from '@tallystick/runtime'
import type { Store } from '@tallystick/storage'
import type { FastifyInstance } from 'fastify'
import { prefixTable } from './prefix-table.ts'

/** A service behind the front. */
export interface FrontService {
  name: string
  server: FastifyInstance
  store: Store
}

/** One port before all services, as a reverse proxy is in production. */
export interface Front {
  url: string
  /** Where the services of a mode are reached without a key of that mode. */
  urlOf(mode: Mode): string
  /** Begins to serve; until then every request is answered with 503. */
  serve(services: Record<Mode, readonly FrontService[]>): Promise<void>
  /** Stops listening, answers what is under way, and resolves when the last connection is closed. */
  close(): Promise<void>
}

type Logger = ReturnType<typeof createLog>
type Serve = (request: IncomingMessage, response: ServerResponse) => void

const description =
  'Licences, usage, money and proof for marketplaces of training data. A key chooses its mode: sk_test_… or sk_live_…. ' +
  'What needs no key is answered for test mode, and under /live for live mode.'
const closingPollMs = 50

/**
 * Listens on the loopback interface. A request goes to live mode when its path begins with /live or its key with
 * `sk_live_`, else to test mode; then to the service whose API has its path. `/services/NAME/…` reaches one service's own
 * routes, such as /services/audit/metrics.
 */
export async function openFront({ port, log }: { port: number; log: Logger }): Promise<Front> {
  let stacks: Record<Mode, Serve> | undefined
  let closing = false
  let closed: Promise<void> | undefined
  // A missing host is refused by the services, with a problem document.
  const server = createServer({ requireHostHeader: false }, (request, response) => {
    if (!stacks) return notReady(response)
    if (closing) response.setHeader('connection', 'close')
    stacks[chooseMode(request)](request, response)
  })
  // Each service gives a body its time, since uploads may take longer than what is read as a whole.
  server.requestTimeout = 0
  // Against callers that stop reading amid an answer.
  server.timeout = 180_000
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the system gave no port')
  const url = `http://127.0.0.1:${address.port}`
  const docsUrl = `${url}/errors`
  server.on('clientError', (error, socket) => refuseConnection(socket, connectionFault(error), docsUrl))
  server.on('connect', (_request, socket) =>
    refuseConnection(socket, new Fault('method_not_allowed'), docsUrl),
  )
  const urlOf = (mode: Mode) => (mode === 'live' ? `${url}/live` : url)
  const shells: FastifyInstance[] = []
  return {
    url,
    urlOf,
    async serve(services) {
      const open = async (mode: Mode) => {
        const shell = shellOf(services[mode], { url: urlOf(mode), log })
        shells.push(shell)
        return serveStack(services[mode], shell, urlOf(mode))
      }
      stacks = { test: await open('test'), live: await open('live') }
    },
    close: () => (closed ??= close()),
  }

  async function close(): Promise<void> {
    closing = true
    const ended = once(server, 'close')
    server.close()
    // A connection that was busy a moment ago is idle now, and its client keeps it open.
    const timer = setInterval(() => server.closeIdleConnections(), closingPollMs)
    await ended
    clearInterval(timer)
    for (const shell of shells) await shell.close()
  }
}

/** Takes the mode out of a request: from its path, which loses `/live`, or from its key. */
function chooseMode(request: IncomingMessage): Mode {
  const { url = '/', headers } = request
  if (/^\/live(?=[/?]|$)/.test(url)) {
    const rest = url.slice('/live'.length)
    request.url = rest.startsWith('/') ? rest : `/${rest}`
    return 'live'
  }
  return /^Bearer +sk_live_/i.test(headers.authorization ?? '') ? 'live' : 'test'
}

/** What no service answers: the reference of the whole API, health of all, and 404. */
function shellOf(
  services: readonly FrontService[],
  { url, log }: { url: string; log: Logger },
): FastifyInstance {
  const checks = Object.fromEntries(services.map(({ name, store }) => [name, () => store.ping()]))
  const router = createApi<object>().router({})
  return createShell({ name: 'API', description, router, deps: {}, log, checks, publicUrl: url })
}

async function serveStack(
  services: readonly FrontService[],
  shell: FastifyInstance,
  url: string,
): Promise<Serve> {
  const documents = await Promise.all(
    services.map(async ({ name, server }) => {
      const answer = await server.inject('/v1/openapi.json')
      return { name, document: answer.json<{ paths: object }>() }
    }),
  )
  const merged = JSON.stringify(
    mergeOpenApi(documents, { title: 'Tallystick API', version: '1', url, description }),
  )
  await shell.ready()
  const owners = prefixTable(
    services.map(({ name }, place) => ({
      owner: name,
      paths: [`/trpc/${name}`, ...Object.keys(documents[place]?.document.paths ?? {})],
    })),
  )
  const byName = new Map(services.map(({ name, server }) => [name, server]))

  return (request, response) => {
    const [path = '/'] = (request.url ?? '/').split('?', 1)
    if (path === '/v1/openapi.json' && (request.method === 'GET' || request.method === 'HEAD')) {
      response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' }).end(merged)
      return
    }
    const [, named, rest] = /^\/services\/([a-z]+)(\/.*)$/.exec(request.url ?? '/') ?? []
    const direct = byName.get(named ?? '')
    if (direct && rest !== undefined) {
      request.url = rest
      direct.routing(request, response)
      return
    }
    const owner = byName.get(owners(path) ?? '') ?? shell
    owner.routing(request, response)
  }
}

function notReady(response: ServerResponse): void {
  response.writeHead(503, { 'content-type': 'text/plain', 'retry-after': '1' }).end('starting\n')
}
