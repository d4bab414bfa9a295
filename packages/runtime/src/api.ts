import { initTRPC } from '@trpc/server'
import { Fault } from '@tallystick/protocol'
import type { AccountRole, ErrorCode, Scope } from '@tallystick/protocol'
import type { Write } from '@tallystick/storage'
import type { Logger } from 'pino'
import { guardKeys } from './idempotency/guard-keys.ts'
import type { KeyedCall, Outcome } from './idempotency/keyed-call.ts'
import { toFault, toTrpcError } from './problem.ts'
import type { ProblemDocument } from './problem.ts'

/** Who calls: found from the API key. */
export interface Caller {
  /** The marketplace: the id of its founding operator account. All data belongs to one tenant. */
  readonly tenant: string
  /** The account whose key it is. */
  readonly account: string
  /** The tenant's own name for the account, where it has one. */
  readonly reference?: string | undefined
  /** Operators and auditors reach all of their tenant (`reachesTenant`), others what they are a party of. */
  readonly role: AccountRole
  readonly keyId: string
  readonly scopes: readonly Scope[]
  readonly livemode: boolean
  /** The name of the rate limits that hold for this key. */
  readonly plan: string
}

/** What an API key is turned into a caller by: the key store here, or a client of the identity service. */
export interface Authenticator {
  /** The caller behind `secret`, or undefined for an unknown, malformed or revoked key; no promise where it is remembered. */
  authenticate(secret: string): Caller | Promise<Caller | undefined>
}

/** How a procedure shapes its REST answer. Over tRPC the headers are sent too and the rest is ignored. */
export interface Answer {
  header(name: string, value: string): void
  status(code: number): void
  /** Sends `body` as it is in place of the JSON of what the procedure returns. */
  raw(contentType: string, body: string | Uint8Array): void
  /** Sends text as it comes, over REST alone; a failure after the first piece breaks the connection off. */
  stream(contentType: string, pieces: AsyncIterable<string>): void
}

/** A change that is thought out but not made: the writes of its one commit, and what to answer when it is made. */
export interface Plan<T> {
  writes: readonly Write[]
  answer: T
}

/** A body that reaches the procedure as bytes; see `RestRoute.takes`. */
export interface Upload {
  /** One of the route's content types, without parameters. */
  mediaType: string
  /** As they come, once. Throws Fault `payload_too_large`, and `request_timeout` for a sender that stops. */
  bytes: AsyncIterable<Uint8Array>
}

/** What every procedure gets: its dependencies and one request. */
export interface RequestContext<Deps> {
  deps: Deps
  /** Set for every procedure whose scope is not `public`. */
  caller: Caller | undefined
  requestId: string
  log: Logger
  /** The body of a route that takes bytes. Throws Fault `bad_request` over tRPC. */
  upload(): Upload
  /** One of the request's headers, by lower-case name. */
  requestHeader(name: string): string | undefined
  answer: Answer
  /**
   * Makes a planned change, once for each idempotency key. `plan` reads and decides; it runs again when something it
   * read has changed meanwhile, so it writes nothing itself.
   */
  once<T>(plan: () => Promise<Plan<T>>): Promise<T>
  /**
   * A name for this request that its repetitions with the same idempotency key share; its own where it has no key. For
   * outside parties (payment rails) that must not be asked for the same thing twice.
   */
  readonly requestKey: string
  /** Runs a procedure under the request's idempotency key; the shell calls it around each procedure that takes one. */
  byKey(call: KeyedCall, run: () => Promise<Outcome>): Promise<Outcome>
  /** Finds the caller once a request. Throws Fault `unauthorized`. */
  authenticate(): Promise<Caller>
  /** The problem document for a refusal of this request. */
  describe(fault: Fault): ProblemDocument
}

/** Where a procedure stands in the REST API. */
export interface RestRoute {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /**
   * With parameters in braces: `/v1/audit/{audit_id}`. They are fields of the procedure's input. The last may be
   * `{name+}`: then it has slashes.
   */
  path: `/${string}`
  /** Status of a good answer, 200 unless told. */
  status?: 200 | 201 | 202 | 204
  /** Further content types of the answer, given by `ctx.answer.raw`. */
  produces?: readonly string[]
  /** In place of JSON: what the body may be. Its bytes come by `ctx.upload`, so the input is what the path names. */
  takes?: TakenBody
}

/** A body that is handed on as it comes, over REST alone. */
export interface TakenBody {
  /** What each content type holds, with a body that would be taken. */
  types: Readonly<Record<string, { description: string; example: string }>>
  /** The longest body; as long as it moves unless told. */
  maxBytes?: number
}

/** What the shell must know about a procedure; the OpenAPI document is made from it. */
export interface ProcedureMeta {
  summary: string
  description?: string
  tags?: readonly string[]
  /** The scope that a key needs; `any` takes every key that works; `public`: no key is looked at. */
  scope: Scope | 'public' | 'any'
  /** The roles whose keys may call, whatever their scopes; every role unless told. */
  roles?: readonly AccountRole[]
  /** Refusals beyond those that every route has. */
  errors?: readonly ErrorCode[]
  rest?: RestRoute
  /**
   * Whether the procedure takes an idempotency key; `required` refuses requests without one. Such a procedure makes its
   * change by `ctx.once`.
   */
  idempotency?: 'required' | 'accepted'
  /** The answer holds a secret: it is kept so that only the key that asked can read it again. */
  secretAnswer?: boolean
  /** Requests for the API reference, as the procedure's whole input (path parameters included). */
  examples?: readonly ProcedureExample[]
  /** Told by the Deprecation and Sunset headers (RFC 9745, RFC 8594); `link` explains what to use in its place. */
  deprecated?: { readonly since: Date; readonly sunset?: Date; readonly link?: string }
}

/** A request that shows how a procedure is used. */
export interface ProcedureExample {
  readonly name?: string
  readonly input: unknown
}

/**
 * The base of a service's router: `procedure(meta)` begins a procedure, `router({…})` joins them. Each procedure
 * answers at /trpc, and by REST where `meta.rest` says so. Unless its scope is `public`, `ctx.caller` is there.
 */
export function createApi<Deps>() {
  const t = initTRPC
    .context<RequestContext<Deps>>()
    .meta<ProcedureMeta>()
    .create({
      isDev: false,
      errorFormatter: ({ shape, error, ctx }) => {
        const fault = toFault(error)
        const problem: ProblemDocument | undefined = ctx?.describe(fault)
        return { ...shape, message: fault.detail, data: { ...shape.data, problem } }
      },
    })

  const open = t.procedure.use(async ({ next }) => {
    const result = await next()
    if (!result.ok) throw toTrpcError(toFault(result.error))
    return result
  })

  const secured = t.procedure.use(async ({ ctx, meta, next }) => {
    const caller = ctx.caller ?? (await refusedAsTrpc(ctx.authenticate()))
    const scope = meta?.scope
    if (scope === undefined || scope === 'public' || (scope !== 'any' && !allows(caller, scope))) {
      throw toTrpcError(new Fault('forbidden', { detail: `The key lacks the scope ${scope}` }))
    }
    if (meta?.roles && !meta.roles.includes(caller.role)) {
      const detail = `Only a key of the role ${meta.roles.join(' or ')} may do this`
      throw toTrpcError(new Fault('forbidden', { detail }))
    }
    ctx.caller = caller
    // Passing it on as ctx would copy the context, and with it make the logger that most requests never use.
    const result = await next<{ caller: Caller }>({})
    if (!result.ok) throw toTrpcError(toFault(result.error))
    return result
  })

  function procedure(meta: ProcedureMeta & { scope: 'public' }): typeof open
  function procedure(meta: ProcedureMeta): typeof secured
  function procedure(meta: ProcedureMeta): typeof open | typeof secured {
    return meta.scope === 'public' ? open.meta(meta) : secured.meta(meta)
  }
  const router: typeof t.router = (procedures) => guardKeys(t.router(procedures))
  return { router, mergeRouters: t.mergeRouters, procedure }
}

/** Whether the caller's key opens `scope`. The services' own scope opens all but the running of tenants and platform. */
function allows({ scopes }: Caller, scope: Scope): boolean {
  if (scopes.includes(scope)) return true
  return scope !== 'platform' && scope !== 'admin' && scopes.includes('service')
}

async function refusedAsTrpc(caller: Promise<Caller>): Promise<Caller> {
  try {
    return await caller
  } catch (error) {
    throw toTrpcError(toFault(error))
  }
}
