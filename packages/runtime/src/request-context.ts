import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import type { Store } from '@tallystick/storage'
import type { Authenticator, Plan, RequestContext } from './api.ts'
import { authenticateRequest } from './authenticate.ts'
import type { ClaimDeps } from './idempotency/claim-key.ts'
import { runKeyedCall } from './idempotency/run-keyed-call.ts'
import type { KeyedContext, OpenAnswer } from './idempotency/run-keyed-call.ts'
import { describeFault } from './problem.ts'
import { readUpload } from './read-upload.ts'
import type { RateLimiter } from './rate-limiter.ts'

/** What the shell needs to serve any request. */
export interface Shell<Deps> {
  deps: Deps
  log: Logger
  keys: Authenticator | undefined
  store: Store | undefined
  /** Where idempotency keys are claimed; there when there is a store. */
  claims: ClaimDeps | undefined
  limiter: RateLimiter
  /** How long the sender of a streamed body may pause. */
  pauseMs: number
  /** Where the error codes are explained; known for sure only once the server listens. */
  docsUrl(): string
}

/** A context as the shell itself sees it. */
export type OpenContext<Deps> = RequestContext<Deps> & KeyedContext

/** The context of one request, for REST and tRPC alike. */
export function requestContext<Deps>(
  shell: Shell<Deps>,
  request: FastifyRequest,
  reply: FastifyReply,
  face: 'rest' | 'trpc',
): OpenContext<Deps> {
  let log: Logger | undefined
  const ctx: OpenContext<Deps> = {
    deps: shell.deps,
    caller: request.caller,
    requestId: request.id,
    requestKey: request.id,
    bodyKey: undefined,
    change: undefined,
    // A child logger costs more than a small answer, so it is made when somebody logs.
    get log() {
      log ??= shell.log.child({ request_id: request.id })
      return log
    },
    upload: () => readUpload(request),
    requestHeader(name) {
      const value = request.headers[name]
      return typeof value === 'string' ? value : value?.[0]
    },
    answer: openAnswer(reply),
    once: (plan) => (ctx.change ? ctx.change(plan) : makeChange(shell.store, plan)),
    byKey: (call, run) => runKeyedCall(shell.claims, ctx, call, { face, run }),
    authenticate: () => authenticateRequest(shell.keys, request),
    describe: (fault) =>
      describeFault(fault, { docsUrl: shell.docsUrl(), instance: request.url, requestId: request.id }),
  }
  return ctx
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
    contentType: undefined,
    body: undefined,
    pieces: undefined,
    headers: undefined,
    replay: undefined,
    header(name, value) {
      reply.header(name, value)
      answer.headers ??= {}
      answer.headers[name] = value
    },
    status: (code) => void (answer.code = code),
    raw(contentType, body) {
      reply.header('content-type', contentType)
      answer.contentType = contentType
      answer.body = body
    },
    stream(contentType, pieces) {
      reply.header('content-type', contentType)
      answer.pieces = pieces
    },
  }
  return answer
}
