import { Fault } from '@tallystick/protocol'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import type { Store } from '@tallystick/storage'
import type { Answer, Authenticator, Caller, Plan, RequestContext } from './api.ts'
import { describeFault } from './problem.ts'

/** What the shell needs to serve any request. */
export interface Shell<Deps> {
  deps: Deps
  log: Logger
  keys: Authenticator | undefined
  store: Store | undefined
  /** Where the error codes are explained; known for sure only once the server listens. */
  docsUrl(): string
}

/** An answer under construction, with what the REST layer reads back from it. */
export interface OpenAnswer extends Answer {
  code: number | undefined
  body: string | Uint8Array | undefined
}

declare module 'fastify' {
  interface FastifyRequest {
    /** The caller, once a route that needs a key has found it. */
    caller: Caller | undefined
  }
}

/** The context of one request, for REST and tRPC alike. */
export function requestContext<Deps>(
  shell: Shell<Deps>,
  request: FastifyRequest,
  reply: FastifyReply,
): RequestContext<Deps> & { answer: OpenAnswer } {
  let log: Logger | undefined
  return {
    deps: shell.deps,
    caller: request.caller,
    requestId: request.id,
    // A child logger costs more than a small answer, so it is made when somebody logs.
    get log() {
      log ??= shell.log.child({ request_id: request.id })
      return log
    },
    requestHeader(name) {
      const value = request.headers[name]
      return typeof value === 'string' ? value : value?.[0]
    },
    answer: openAnswer(reply),
    once: (plan) => makeChange(shell.store, plan),
    authenticate: () => authenticateRequest(shell, request),
    describe: (fault) =>
      describeFault(fault, { docsUrl: shell.docsUrl(), instance: request.url, requestId: request.id }),
  }
}

async function makeChange<T>(store: Store | undefined, plan: () => Promise<Plan<T>>): Promise<T> {
  if (!store) throw new Error('A service that changes anything is created with a store')
  return store.attempt(async () => {
    const { writes, answer } = await plan()
    if (writes.length > 0) await store.commit([...writes])
    return answer
  })
}

function openAnswer(reply: FastifyReply): OpenAnswer {
  const answer: OpenAnswer = {
    code: undefined,
    body: undefined,
    header: (name, value) => void reply.header(name, value),
    status: (code) => void (answer.code = code),
    raw(contentType, body) {
      reply.header('content-type', contentType)
      answer.body = body
    },
  }
  return answer
}

/** The caller behind the request's API key, looked up once. Throws Fault `unauthorized`. */
export async function authenticateRequest(
  shell: Pick<Shell<unknown>, 'keys'>,
  request: FastifyRequest,
): Promise<Caller> {
  if (request.caller) return request.caller
  const header = request.headers.authorization
  if (!header) throw new Fault('unauthorized', { detail: 'The request carries no API key' })
  const secret = /^Bearer +(\S+)$/i.exec(header)?.[1]
  if (!secret)
    throw new Fault('unauthorized', { detail: 'The Authorization header is not "Bearer" and a key' })
  const caller = await shell.keys?.authenticate(secret)
  if (!caller)
    throw new Fault('unauthorized', { detail: 'The API key is unknown, revoked or of the other mode' })
  request.caller = forTenant(caller, request)
  return request.caller
}

/** A service's own key acts for the tenant that the Tallystick-Tenant header names; on any other key it does nothing. */
function forTenant(caller: Caller, request: FastifyRequest): Caller {
  const tenant = request.headers['tallystick-tenant']
  if (!caller.scopes.includes('service') || typeof tenant !== 'string' || tenant === '') return caller
  return { ...caller, tenant }
}
