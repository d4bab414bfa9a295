import { Fault, idSchema, scopes } from '@tallystick/protocol'
import type { Scope } from '@tallystick/protocol'
import type { FastifyRequest } from 'fastify'
import type { Authenticator, Caller } from './api.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The caller, once a route that needs a key has found it. */
    caller: Caller | undefined
  }
}

/**
 * The caller behind the request's API key, looked up once; no promise where it is remembered, as nearly always. Throws
 * Fault `unauthorized`, `forbidden`.
 */
export function authenticateRequest(
  keys: Authenticator | undefined,
  request: FastifyRequest,
): Caller | Promise<Caller> {
  if (request.caller) return request.caller
  const header = request.headers.authorization
  if (!header) throw new Fault('unauthorized', { detail: 'The request carries no API key' })
  const secret = /^Bearer +(\S+)$/i.exec(header)?.[1]
  if (!secret)
    throw new Fault('unauthorized', { detail: 'The Authorization header is not "Bearer" and a key' })
  const found = keys?.authenticate(secret)
  return found instanceof Promise ? found.then((caller) => take(caller, request)) : take(found, request)
}

function take(caller: Caller | undefined, request: FastifyRequest): Caller {
  if (!caller)
    throw new Fault('unauthorized', { detail: 'The API key is unknown, revoked or of the other mode' })
  const tenant = request.headers['tallystick-tenant']
  request.caller = tenant === undefined ? caller : actingFor(caller, tenant)
  return request.caller
}

const tenantId = idSchema('account')
const allButRunning = (Object.keys(scopes) as Scope[]).filter(
  (scope) => scope !== 'platform' && scope !== 'admin',
)

/** A service's caller, as operator of the tenant that `Tallystick-Tenant` names. */
function actingFor(caller: Caller, tenant: string | string[]): Caller {
  if (!caller.scopes.includes('service')) {
    throw new Fault('forbidden', { detail: 'Only a key with the scope service may name a Tallystick-Tenant' })
  }
  if (typeof tenant !== 'string' || !tenantId.safeParse(tenant).success) {
    throw new Fault('bad_request', { detail: 'Tallystick-Tenant is not the id of an account' })
  }
  // The limits of plans are for callers from outside: one service calls another as often as it is called itself.
  return { ...caller, tenant, account: tenant, role: 'operator', scopes: allButRunning, plan: 'unlimited' }
}
