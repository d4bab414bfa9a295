import type { Fault } from '@tallystick/protocol'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import type { Store } from '@tallystick/storage'
import type { Authenticator, Caller, Plan, RequestContext, Upload } from './api.ts'
import { authenticateRequest } from './authenticate.ts'
import type { ClaimDeps } from './idempotency/claim-key.ts'
import type { KeyedCall, Outcome } from './idempotency/keyed-call.ts'
import { runKeyedCall } from './idempotency/run-keyed-call.ts'
import type { KeyedContext, OpenAnswer } from './idempotency/run-keyed-call.ts'
import { describeFault } from './problem.ts'
import type { ProblemDocument } from './problem.ts'
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

// Classes, since an object literal makes its functions anew for each request, and its getters by a slow path of V8.
class Context<Deps> implements OpenContext<Deps> {
  readonly #shell: Shell<Deps>
  readonly #request: FastifyRequest
  readonly #face: 'rest' | 'trpc'
  #log: Logger | undefined
  readonly deps: Deps
  caller: Caller | undefined
  requestKey: string
  bodyKey: unknown
  change: OpenContext<Deps>['change']
  readonly answer: OpenAnswer

  constructor(shell: Shell<Deps>, request: FastifyRequest, reply: FastifyReply, face: 'rest' | 'trpc') {
    this.#shell = shell
    this.#request = request
    this.#face = face
    this.deps = shell.deps
    this.caller = request.caller
    this.requestKey = request.id
    this.answer = new ReplyAnswer(reply)
  }

  get requestId(): string {
    return this.#request.id
  }

  // A child logger costs more than a small answer, so it is made when somebody logs.
  get log(): Logger {
    this.#log ??= this.#shell.log.child({ request_id: this.requestId })
    return this.#log
  }

  upload(): Upload {
    return readUpload(this.#request)
  }

  requestHeader(name: string): string | undefined {
    const value = this.#request.headers[name]
    return typeof value === 'string' ? value : value?.[0]
  }

  once<T>(plan: () => Promise<Plan<T>>): Promise<T> {
    return this.change ? this.change(plan) : makeChange(this.#shell.store, plan)
  }

  byKey(call: KeyedCall, run: () => Promise<Outcome>): Promise<Outcome> {
    return runKeyedCall(this.#shell.claims, this, call, { face: this.#face, run })
  }

  async authenticate(): Promise<Caller> {
    return authenticateRequest(this.#shell.keys, this.#request)
  }

  describe(fault: Fault): ProblemDocument {
    const { url, id } = this.#request
    return describeFault(fault, { docsUrl: this.#shell.docsUrl(), instance: url, requestId: id })
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

class ReplyAnswer implements OpenAnswer {
  readonly #reply: FastifyReply
  code: number | undefined
  contentType: string | undefined
  body: string | Uint8Array | undefined
  pieces: AsyncIterable<string> | undefined
  headers: Record<string, string> | undefined
  replay: OpenAnswer['replay']

  constructor(reply: FastifyReply) {
    this.#reply = reply
  }

  header(name: string, value: string): void {
    this.#reply.header(name, value)
    this.headers ??= {}
    this.headers[name] = value
  }

  status(code: number): void {
    this.code = code
  }

  raw(contentType: string, body: string | Uint8Array): void {
    this.#reply.header('content-type', contentType)
    this.contentType = contentType
    this.body = body
  }

  stream(contentType: string, pieces: AsyncIterable<string>): void {
    this.#reply.header('content-type', contentType)
    this.pieces = pieces
  }
}
