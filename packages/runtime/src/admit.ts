import { Fault } from '@tallystick/protocol'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { authenticateRequest } from './authenticate.ts'
import type { ProcedureMeta } from './api.ts'
import type { Shell } from './request-context.ts'

/**
 * Finds the caller of a request and counts it against the limits of its key; a request without a good key counts
 * against its address, so that keys cannot be guessed at speed. Throws Fault.
 */
export async function admitCaller(
  { keys, limiter }: Pick<Shell<unknown>, 'keys' | 'limiter'>,
  request: FastifyRequest,
  reply: FastifyReply,
  scope?: ProcedureMeta['scope'],
): Promise<void> {
  try {
    await authenticateRequest(keys, request)
  } catch (error) {
    if (error instanceof Fault && error.code === 'unauthorized') limiter.ofAddress(request, reply)
    throw error
  }
  if (!request.caller) return
  // Services ask by their callers' keys whose they are, and that must go on for keys that used up their plan.
  if (scope === 'any') limiter.ofCheck(request.caller, reply)
  else limiter.ofCaller(request.caller, reply)
}
