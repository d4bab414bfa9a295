import { Readable } from 'node:stream'
import { Fault } from '@tallystick/protocol'
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
import { z } from 'zod'
import type { TakenBody } from './api.ts'
import { procedureCaller } from './call-procedure.ts'
import { coercion } from './coerce.ts'
import type { Coerce } from './coerce.ts'
import type { Operation } from './operations.ts'
import { jsonPointer } from './problem.ts'
import { admitCaller } from './admit.ts'
import { jsonType } from './idempotency/run-keyed-call.ts'
import type { KeptAnswer } from './idempotency/records.ts'
import { checkUpload } from './read-upload.ts'
import { requestContext } from './request-context.ts'
import type { Shell } from './request-context.ts'
import { routeHeaders } from './route-headers.ts'
import { traceRequest } from './telemetry.ts'

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

    const headers = routeHeaders(meta)
    const isPublic = meta.scope === 'public'

    const handle = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
      const ctx = requestContext(shell, request, reply, 'rest')
      if (meta.idempotency) ctx.bodyKey = takeBodyKey(request)
      const input = readInput(request)
      const { answer } = ctx
      let output: unknown
      try {
        output = await call(ctx, input)
      } catch (error) {
        if (answer.replay) return sendAgain(reply, answer.replay)
        throw error
      }
      reply.code(answer.code ?? status)
      if (answer.body !== undefined) return reply.send(answer.body)
      if (answer.pieces) return reply.send(Readable.from(answer.pieces))
      if (output === undefined) return reply.send()
      return reply.header('content-type', jsonType).send(JSON.stringify(output))
    }

    const { takes } = rest
    const route: RouteOptions = {
      method: rest.method,
      url: operation.url,
      // Before the body is read, so that a stranger cannot make the server parse megabytes.
      onRequest: (request, reply, done) => {
        for (const [name, value] of headers) reply.header(name, value)
        const admit = isPublic
          ? shell.limiter.ofAddress(request, reply)
          : admitCaller(shell, request, reply, meta.scope)
        const check = () => (takes ? checkUpload(request, takes) : undefined)
        if (admit instanceof Promise) return admit.then(check)
        check()
        return done()
      },
      handler: (request, reply) => traceRequest(request, () => handle(request, reply)),
    }
    if (takes) registerUpload(server, takes, { ...route, config: { takes, pauseMs: shell.pauseMs } })
    else server.route(route)
  }
}

/** A route whose body stays unread until the procedure reads it. */
function registerUpload(server: FastifyInstance, takes: TakenBody, route: RouteOptions): void {
  void server.register(async (child) => {
    child.removeAllContentTypeParsers()
    child.addContentTypeParser(Object.keys(takes.types), (_request, _payload, done) => done(null))
    child.route(route)
  })
}

function sendAgain(reply: FastifyReply, { status, contentType, body }: KeptAnswer): FastifyReply {
  reply.code(status)
  if (contentType !== undefined) reply.header('content-type', contentType)
  return reply.send(body)
}

/** Takes the member `idempotency_key` out of a body, where it may stand in place of the header. */
function takeBodyKey(request: FastifyRequest): unknown {
  const { body } = request
  if (typeof body !== 'object' || body === null || !('idempotency_key' in body)) return undefined
  const { idempotency_key: key, ...rest } = body
  request.body = rest
  return key
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

  // The router calls the text behind its path's last slash by another name.
  const rest = operation.url.endsWith('*') ? pathParameters.at(-1) : undefined
  const namedParams = (params: Fields): Fields =>
    rest === undefined ? params : { ...params, [rest]: params['*'] }

  return (request) => {
    const query = request.query as Fields
    const params = namedParams(request.params as Fields)
    if (hasBody) {
      refuseFields(Object.keys(query), 'belongs in the body, not in the query')
      // No body is an empty one; a `null` is a body, and what it asks for is not known.
      const body = request.body === undefined && input ? {} : request.body
      if (!input && typeof body === 'object') refuseFields(Object.keys(body ?? {}), 'is not a known field')
      if (pathParameters.length === 0) return body
      if (typeof body !== 'object' || body === null || Array.isArray(body)) return body
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
