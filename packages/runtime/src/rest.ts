import { Fault } from '@tallystick/protocol'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { procedureCaller } from './call-procedure.ts'
import { coercion } from './coerce.ts'
import type { Coerce } from './coerce.ts'
import type { Operation } from './operations.ts'
import { jsonPointer } from './problem.ts'
import { authenticateRequest, requestContext } from './request-context.ts'
import type { Shell } from './request-context.ts'
import { traceRequest } from './telemetry.ts'

const json = 'application/json; charset=utf-8'

/** Registers the REST routes of `operations`. All that can be prepared is prepared here, once. */
export function registerRest<Deps>(
  server: FastifyInstance,
  operations: readonly Operation[],
  shell: Shell<Deps>,
): void {
  for (const operation of operations) {
    const { rest, meta, procedure } = operation
    const call = procedureCaller(procedure, operation.name)
    const readInput = inputReader(operation)
    const status = rest.status ?? 200

    const handle = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
      const ctx = requestContext(shell, request, reply)
      const input = readInput(request)
      const output = await call(ctx, input)
      const { answer } = ctx
      reply.code(answer.code ?? status)
      if (answer.body !== undefined) return reply.send(answer.body)
      if (output === undefined) return reply.send()
      return reply.header('content-type', json).send(JSON.stringify(output))
    }

    server.route({
      method: rest.method,
      url: rest.path.replaceAll(/\{(\w+)\}/g, ':$1'),
      // Before the body is read, so that a stranger cannot make the server parse megabytes.
      ...(meta.scope === 'public'
        ? {}
        : { onRequest: async (request) => void (await authenticateRequest(shell, request)) }),
      handler: (request, reply) => traceRequest(request, () => handle(request, reply)),
    })
  }
}

type Fields = Record<string, unknown>

/** How a request becomes the procedure's input: path and query text coerced, bodies taken as they are. */
function inputReader(operation: Operation): (request: FastifyRequest) => unknown {
  const { input, pathParameters, hasBody } = operation
  const coercions = new Map<string, Coerce>()
  if (input instanceof z.ZodObject) {
    for (const name of [...pathParameters, ...operation.queryParameters]) {
      coercions.set(name, coercion(input.shape[name]))
    }
  }
  const coerce = (name: string, value: unknown) => coercions.get(name)?.(value as string | string[]) ?? value

  return (request) => {
    const query = request.query as Fields
    const params = request.params as Fields
    if (hasBody) {
      refuseFields(Object.keys(query), 'belongs in the body, not in the query')
      const body = request.body ?? (input ? {} : undefined)
      if (!input && body !== undefined) refuseFields(Object.keys(body), 'is not a known field')
      if (pathParameters.length === 0) return body
      if (typeof body !== 'object' || Array.isArray(body)) return body
      refuseFields(
        pathParameters.filter((name) => Object.hasOwn(body, name)),
        'is given by the path, not by the body',
      )
      const merged: Fields = { ...body }
      for (const name of pathParameters) merged[name] = coerce(name, params[name])
      return merged
    }
    if (!input) refuseFields(Object.keys(query), 'is not a known parameter')
    const merged: Fields = {}
    for (const name in query) {
      if (pathParameters.includes(name)) refuseFields([name], 'is given by the path, not by the query')
      // defineProperty would keep `__proto__` as a field for the schema to refuse; plain assignment would hide it.
      if (name === '__proto__') refuseFields([name], 'is not a known parameter')
      merged[name] = coerce(name, query[name])
    }
    for (const name of pathParameters) merged[name] = coerce(name, params[name])
    return input ? merged : undefined
  }
}

function refuseFields(names: readonly string[], message: string): void {
  if (names.length === 0) return
  const errors = names
    .slice(0, 50)
    .map((name) => ({ pointer: jsonPointer([name]), message, fix: 'Remove it.' }))
  throw new Fault('validation_failed', { errors })
}
