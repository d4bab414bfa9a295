import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import type { Store } from '@tallystick/storage'
import type { Authenticator, Caller, Plan, RequestContext } from './api.ts'
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
  return new Context(shell, request, reply, face)
}

// A class for its getter alone: one in an object literal is defined anew for each request, by a slow path of V8.
class Context<Deps> implements OpenContext<Deps> {
  readonly #shell: Shell<Deps>
  #log: Logger | undefined
  readonly deps: Deps
  caller: Caller | undefined
  readonly requestId: string
  requestKey: string
  bodyKey: OpenContext<Deps>['bodyKey']
  change: OpenContext<Deps>['change']
  readonly answer: OpenAnswer
  readonly upload: OpenContext<Deps>['upload']
  readonly requestHeader: OpenContext<Deps>['requestHeader']
  readonly once: OpenContext<Deps>['once']
  readonly byKey: OpenContext<Deps>['byKey']
  readonly authenticate: OpenContext<Deps>['authenticate']
  readonly describe: OpenContext<Deps>['describe']

  constructor(shell: Shell<Deps>, request: FastifyRequest, reply: FastifyReply, face: 'rest' | 'trpc') {
    this.#shell = shell
    this.deps = shell.deps
    this.caller = request.caller
    this.requestId = request.id
    this.requestKey = request.id
    this.bodyKey = undefined
    this.change = undefined
    this.answer = openAnswer(reply)
    this.upload = () => readUpload(request)
    this.requestHeader = (name) => {
      const value = request.headers[name]
      return typeof value === 'string' ? value : value?.[0]
    }
    this.once = (plan) => (this.change ? this.change(plan) : makeChange(shell.store, plan))
    this.byKey = (call, run) => runKeyedCall(shell.claims, this, call, { face, run })
    this.authenticate = async () => authenticateRequest(shell.keys, request)
    this.describe = (fault) =>
      describeFault(fault, { docsUrl: shell.docsUrl(), instance: request.url, requestId: request.id })
  }

  // A child logger costs more than a small answer, so it is made when somebody logs.
  get log(): Logger {
    this.#log ??= this.#shell.log.child({ request_id: this.requestId })
    return this.#log
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
