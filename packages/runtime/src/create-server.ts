import type { AnyTRPCRouter } from '@trpc/server'
import { Fault } from '@tallystick/protocol'
import type { Store } from '@tallystick/storage'
import Fastify, { LogController } from 'fastify'
import type { FastifyBaseLogger, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import type { Authenticator } from './api.ts'
import { limitBodies } from './body-deadline.ts'
import type { BodyDeadline } from './body-deadline.ts'
import { checkRequest } from './check-request.ts'
import { registerDocs } from './docs.ts'
import { systemEntropy } from './entropy.ts'
import { registerHealth } from './health.ts'
import type { HealthChecks } from './health.ts'
import { processOwner } from './idempotency/process-owner.ts'
import { createMetrics } from './metrics.ts'
import type { Metrics } from './metrics.ts'
import { operationsOf } from './operations.ts'
import { decodeUtf8, parseBody } from './parse-body.ts'
import { isPublicRead, registerOptions } from './preflight.ts'
import { describeFault, toFault } from './problem.ts'
import { rateLimiter } from './rate-limiter.ts'
import { defaultRatePlans } from './rate-plans.ts'
import type { RatePlans } from './rate-plans.ts'
import { connectionFault, refuseConnection } from './refuse-connection.ts'
import type { Shell } from './request-context.ts'
import { registerRest } from './rest.ts'
import { registerTrpc } from './trpc-mount.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** All routes as they were registered, such as `GET /v1/audit/:audit_id`, once the server is ready. */
    servedRoutes(): string[]
  }
}

/** What a server is made from. */
export interface ServerOptions<Deps> {
  /** The service's name in its API document, such as `audit`. */
  name: string
  version?: string
  description?: string
  /** Made with `createApi<Deps>()`. */
  router: AnyTRPCRouter
  deps: Deps
  log: Logger
  /** Needed when a procedure's scope is not `public`. */
  keys?: Authenticator
  /** Where changes are made by `ctx.once`; checked by /readyz. */
  store?: Store
  /** Further checks of /readyz by name; one that throws makes the service not ready. */
  checks?: HealthChecks
  metrics?: Metrics
  /** Where callers reach the service; where it listens, unless told. */
  publicUrl?: string | undefined
  /** Bytes that a request body may have: 1 MiB unless told. */
  bodyLimit?: number
  /** The limits of each plan beside the standard ones; see defaultRatePlans. */
  ratePlans?: RatePlans
  /** How many copies of the service share the plans; 1 unless told. */
  rateCopies?: number
  /** How long an idempotency key stays with a process that went silent; longer than the slowest request, 120 s. */
  idempotencyLockMs?: number
  /** The clock of rate limits and idempotency keys. */
  now?: () => Date
  /** The proxies whose X-Forwarded-For is believed: addresses and networks; nobody unless told. */
  trustProxy?: readonly string[]
  /** Requests that took longer are logged at `info`. */
  slowMs?: number
  /** How long a body that is read as a whole may take, and one that is streamed may pause: a minute, unless told. */
  bodyDeadline?: Pick<BodyDeadline, 'deadlineMs' | 'sweepMs'>
}

/**
 * The HTTP face of a service: REST and tRPC from one router, /v1/openapi.json, /docs, /livez, /readyz, /metrics,
 * problem+json for every refusal. A whole service:
 *
 * @example
 * ```ts
 * const api = createApi<{ store: Store }>()
 * const greeting = api
 *   .procedure({ summary: 'Greet', scope: 'greeting:read', rest: { method: 'GET', path: '/v1/greetings/{name}' } })
 *   .input(z.strictObject({ name: z.string(), loud: z.boolean().default(false) }))
 *   .output(z.strictObject({ text: z.string() }))
 *   .query(({ input, ctx }) => {
 *     if (input.name === 'nobody') throw new Fault('not_found')
 *     return { text: `${input.loud ? 'HELLO' : 'hello'} ${input.name}, says ${ctx.caller.tenant}` }
 *   })
 * export const router = api.router({ greeting })
 *
 * const config = loadConfig(z.object(commonConfig), process.env)              // in config.ts
 * const log = createLog({ name: 'greeter', level: config.LOG_LEVEL })
 * const lifecycle = createLifecycle({ log, timeoutMs: config.SHUTDOWN_SECONDS * 1000 })
 * const collections = [apiKeys, idempotency, outbox]
 * const store = await openServiceStore({ config, service: 'greeter', collections, log, lifecycle })
 * const keys = keyStore(store, { ...systemEntropy(), mode: config.MODE })
 * const server = createServer({ name: 'greeter', router, deps: { store }, log, keys, store })
 * lifecycle.onStop('server', () => server.close())
 * lifecycle.handleSignals()
 * await server.listen({ host: config.HOST, port: config.PORT })
 * ```
 */
export function createServer<Deps>(options: ServerOptions<Deps>): FastifyInstance {
  const { log, store } = options
  const metrics = options.metrics ?? createMetrics()
  const entropy = systemEntropy()
  const now = options.now ?? entropy.now
  const operations = operationsOf(options.router)
  if (!options.keys && operations.some(({ meta }) => meta.scope !== 'public')) {
    throw new Error(`The service ${options.name} has procedures that need a key, but was given no keys`)
  }
  const keyed = operations.find(({ meta }) => meta.idempotency)
  if (keyed && !store) throw new Error(`${keyed.name} takes idempotency keys: the server needs a store`)
  const logger: FastifyBaseLogger = log
  const server = Fastify({
    loggerInstance: logger,
    // One logger for all: a child for each request costs more than the request. ctx.log makes one when it is used.
    childLoggerFactory: (logger) => logger,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: () => entropy.newId('request'),
    requestIdHeader: false,
    bodyLimit: options.bodyLimit ?? 1024 * 1024,
    trustProxy: options.trustProxy ? [...options.trustProxy] : false,
    // Against callers that stop reading amid an answer; Fastify's own default is no limit.
    connectionTimeout: 180_000,
    // Missing hosts are refused by checkRequest, with a problem document.
    http: { requireHostHeader: false },
    clientErrorHandler: (error, socket) => refuseConnection(socket, connectionFault(error), shell.docsUrl()),
    routerOptions: { maxParamLength: 1024 },
    // A stopping server answers what already reached it; only idle connections are cut.
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    frameworkErrors: (error, request, reply) => void sendProblem(error, request, reply),
  })
  const url = () => options.publicUrl?.replace(/\/$/, '') ?? listeningUrl(server)
  const shell: Shell<Deps> = {
    deps: options.deps,
    log,
    keys: options.keys,
    store,
    claims: store && { store, now, owner: processOwner(), lockMs: options.idempotencyLockMs ?? 120_000 },
    limiter: rateLimiter({ ...defaultRatePlans, ...options.ratePlans }, now, options.rateCopies),
    pauseMs: options.bodyDeadline?.deadlineMs ?? 60_000,
    docsUrl: () => `${url()}/errors`,
  }

  function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const fault = toFault(error)
    const problem = describeFault(fault, {
      docsUrl: shell.docsUrl(),
      instance: request.url,
      requestId: request.id,
    })
    if (problem.status >= 500) {
      log.error(
        {
          request_id: request.id,
          url: request.url,
          address: request.ip,
          code: fault.code,
          err: fault.cause ?? fault,
        },
        'request failed',
      )
    }
    if (problem.status === 401) reply.header('www-authenticate', 'Bearer')
    if (problem.status === 503) reply.header('retry-after', '1')
    return (
      reply
        .code(problem.status)
        .header('content-type', 'application/problem+json; charset=utf-8')
        // Else a cache may keep on saying of a tile that was asked for too early that it is missing.
        .header('cache-control', 'no-store')
        .header('request-id', request.id)
        .send(JSON.stringify(problem))
    )
  }

  server.decorateRequest('caller', undefined)
  server.removeAllContentTypeParsers()
  server.addContentTypeParser<Buffer>('application/json', { parseAs: 'buffer' }, (_request, body, done) => {
    try {
      done(null, parseBody(decodeUtf8(body)))
    } catch (error) {
      done(toFault(error))
    }
  })
  server.setErrorHandler((error, request, reply) => sendProblem(error, request, reply))
  server.setNotFoundHandler((request, reply) => {
    const known = allMethods.includes(request.method) || request.method === 'OPTIONS'
    if (!known) reply.header('allow', [...allMethods, 'OPTIONS'].sort().join(', '))
    return sendProblem(new Fault(known ? 'route_not_found' : 'method_not_allowed'), request, reply)
  })
  server.server.on('connect', (_request, socket) =>
    refuseConnection(socket, new Fault('method_not_allowed'), shell.docsUrl()),
  )
  limitBodies(server, { ...options.bodyDeadline, docsUrl: shell.docsUrl })
  watchRequests(server, { log, metrics, slowMs: options.slowMs ?? 1000 })

  const methods = collectMethods(server)
  const served: string[] = []
  server.decorate('servedRoutes', () => served)
  registerRest(server, operations, shell)
  registerTrpc(server, options, shell)
  registerDocs(server, operations, {
    name: options.name,
    version: options.version ?? '1',
    description: options.description,
    url,
  })
  registerHealth(server, { store, checks: options.checks ?? {}, metrics, log })
  // Last, when all routes are known: every other method of a known path is 405, not 404.
  void server.register(async (child) => {
    const publicPaths = new Set(operations.filter(isPublicRead).map(({ url }) => url))
    for (const [path, known] of Array.from(methods)) {
      served.push(...[...known].map((method) => `${method} ${path}`))
      const allow = [...known].sort().join(', ')
      const refuse = (request: FastifyRequest, reply: FastifyReply) =>
        sendProblem(new Fault('method_not_allowed'), request, reply.header('allow', allow))
      const others = allMethods.filter((method) => !known.has(method))
      // In onRequest already: what the body holds does not matter.
      if (others.length > 0) {
        const onRequest = (request: FastifyRequest, reply: FastifyReply) => void refuse(request, reply)
        child.route({ method: others, url: path, onRequest, handler: refuse })
      }
      if (!known.has('OPTIONS')) registerOptions(child, path, { allow, isPublic: publicPaths.has(path) })
    }
  })
  return server
}

const allMethods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']

/** The methods of each path, filled while routes are registered. */
function collectMethods(server: FastifyInstance): Map<string, Set<string>> {
  const methods = new Map<string, Set<string>>()
  server.addHook('onRoute', ({ method, url }) => {
    const known = methods.get(url) ?? new Set<string>()
    for (const one of [method].flat()) known.add(one)
    methods.set(url, known)
  })
  return methods
}

function watchRequests(
  server: FastifyInstance,
  { log, metrics, slowMs }: { log: Logger; metrics: Metrics; slowMs: number },
): void {
  server.addHook('onRequest', (request, reply, done) => {
    reply
      .header('request-id', request.id)
      .header('x-content-type-options', 'nosniff')
      .header('x-frame-options', 'DENY')
      .header('referrer-policy', 'no-referrer')
    done(checkRequest(request.raw))
  })
  server.addHook('onResponse', (request, reply, done) => {
    const elapsedMs = reply.elapsedTime
    const route = request.routeOptions.url ?? 'none'
    metrics.requests.observe({ method: request.method, route, status: reply.statusCode }, elapsedMs / 1000)
    const slow = elapsedMs > slowMs
    if (slow || log.isLevelEnabled('debug')) {
      const line = {
        request_id: request.id,
        method: request.method,
        route,
        status: reply.statusCode,
        elapsedMs,
        address: request.ip,
      }
      log[slow ? 'info' : 'debug'](line, slow ? 'slow request' : 'request')
    }
    done()
  })
}

function listeningUrl(server: FastifyInstance): string {
  const address = server.addresses()[0]
  if (!address || typeof address === 'string') return 'http://localhost'
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address
  return `http://${host}:${address.port}`
}
