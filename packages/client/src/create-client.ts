import type { AuditRouter } from '@tallystick/audit'
import type { BillingRouter } from '@tallystick/billing'
import type { IdentityRouter } from '@tallystick/identity'
import type { LicensingRouter } from '@tallystick/licensing'
import { createTRPCClient, httpLink } from '@trpc/client'
import type { Operation, TRPCClient } from '@trpc/client'
import type { AnyTRPCRouter } from '@trpc/server'
import { persistentFetch } from './persistent-fetch.ts'
import type { Persistence } from './persistent-fetch.ts'

/** Where and as whom a client asks. */
export interface ClientOptions extends Persistence {
  /** Where the API is reached: `https://api.example`. */
  url: string
  /** `sk_test_…` or `sk_live_…`; without one only what is open to everyone can be asked. */
  key?: string | undefined
}

/** What one call may say of itself, as the `context` of its options. */
export interface CallContext extends Pick<Persistence, 'attempts' | 'attemptTimeoutMs' | 'timeoutMs'> {
  /** A name of your own for this change, 1 to 255 characters; a new one for each call unless told. */
  idempotencyKey?: string | undefined
}

/** All services, each with its procedures under the names of its router. */
export interface TallystickClient {
  readonly identity: TRPCClient<IdentityRouter>
  readonly licensing: TRPCClient<LicensingRouter>
  readonly billing: TRPCClient<BillingRouter>
  readonly audit: TRPCClient<AuditRouter>
}

/**
 * A typed client of all services. Each call is repeated after failures of the moment, under the same idempotency key,
 * and rejects with TallystickError.
 *
 * @example
 * ```ts
 * const client = createClient({ url: 'https://api.example', key })
 * const license = await client.licensing.licenses.create.mutate(input, { context: { idempotencyKey: 'order-4711' } })
 * ```
 */
export function createClient(options: ClientOptions): TallystickClient {
  const { url, key, ...persistence } = options
  const base = url.replace(/\/+$/, '')
  const authorization = key === undefined ? {} : { authorization: `Bearer ${key}` }

  function ofService<Router extends AnyTRPCRouter>(name: string): TRPCClient<Router> {
    return createTRPCClient<AnyTRPCRouter>({
      links: [
        (runtime) => (call) => {
          const { headers, limits } = optionsOf(call.op)
          const link = httpLink({
            url: `${base}/trpc/${name}`,
            headers: { ...authorization, ...headers },
            fetch: (input, init) =>
              persistentFetch(String(input), init as RequestInit, { ...persistence, ...limits }),
          })
          return link(runtime)(call)
        },
      ],
    }) as TRPCClient<Router>
  }

  return {
    identity: ofService<IdentityRouter>('identity'),
    licensing: ofService<LicensingRouter>('licensing'),
    billing: ofService<BillingRouter>('billing'),
    audit: ofService<AuditRouter>('audit'),
  }
}

/** The headers and limits of one call, settled once: every attempt carries the same key. */
function optionsOf({ type, context }: Operation): { headers: Record<string, string>; limits: Persistence } {
  const { idempotencyKey } = context
  if (idempotencyKey !== undefined && typeof idempotencyKey !== 'string')
    throw new TypeError('context.idempotencyKey must be a string')
  const limits = Object.fromEntries(
    limitNames.flatMap((name) => (context[name] === undefined ? [] : [[name, asCount(name, context[name])]])),
  )
  if (type !== 'mutation') return { headers: {}, limits }
  return { headers: { 'idempotency-key': idempotencyKey ?? crypto.randomUUID() }, limits }
}

const limitNames = ['attempts', 'attemptTimeoutMs', 'timeoutMs'] as const

function asCount(name: string, value: unknown): number {
  if (typeof value === 'number' && value > 0) return value
  throw new TypeError(`context.${name} must be a number above zero`)
}
