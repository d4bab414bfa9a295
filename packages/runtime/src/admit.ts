import { Fault } from '@tallystick/protocol'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { authenticateRequest } from './authenticate.ts'
import type { Caller, ProcedureMeta } from './api.ts'
import type { Shell } from './request-context.ts'

/**
 * Finds the caller of a request and counts it against the limits of its key; a request without a good key counts
 * against its address, so that keys cannot be guessed at speed. No promise where the caller is remembered. Throws Fault.
 */
export function admitCaller(
  { keys, limiter }: Pick<Shell<unknown>, 'keys' | 'limiter'>,
  request: FastifyRequest,
  reply: FastifyReply,
  scope?: ProcedureMeta['scope'],
): void | Promise<void> {
  const count = (caller: Caller) => {
    // Services ask by their callers' keys whose they are, and that must go on for keys that used up their plan.
    if (scope === 'any') limiter.ofCheck(caller, reply)
    else limiter.ofCaller(caller, reply)
  }
  const refuse = (error: unknown) => {
    if (error instanceof Fault && error.code === 'unauthorized') limiter.ofAddress(request, reply)
    throw error
  }
  let caller: Caller | Promise<Caller>
  try {
    caller = authenticateRequest(keys, request)
  } catch (error) {
    return refuse(error)
  }
  return caller instanceof Promise ? caller.then(count, refuse) : count(caller)
}
