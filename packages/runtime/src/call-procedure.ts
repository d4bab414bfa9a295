import { getTRPCErrorFromUnknown, TRPCError } from '@trpc/server'
import type { AnyTRPCProcedure } from '@trpc/server'
import { z } from 'zod'
import { definitionOf } from './procedure-definition.ts'
import type { ProcedureDefinition } from './procedure-definition.ts'

type Result = { ok: true; data: unknown } | { ok: false; error: TRPCError }

interface NextOptions {
  ctx?: object
  input?: unknown
  getRawInput?: () => Promise<unknown>
}

interface Call {
  ctx: object
  type: string
  path: string
  input: unknown
  getRawInput: () => Promise<unknown>
  meta: unknown
  signal: undefined
  batchIndex: number
  next?: (options?: NextOptions) => Promise<Result>
}

type Middleware = ((call: Call) => Promise<Result>) & { _type?: string }

/**
 * Calls a procedure through its own middlewares, as tRPC's caller does, for a sixth of the time that tRPC spends on
 * copying options between them, and with zod's synchronous parser. Rejects with the TRPCError that tRPC would.
 */
export function procedureCaller(
  procedure: AnyTRPCProcedure,
  path: string,
): (ctx: object, input: unknown) => Promise<unknown> {
  const definition = definitionOf<Middleware>(procedure)
  const { meta, type } = definition
  const middlewares = parsingAtOnce(definition)

  async function run(index: number, call: Call): Promise<Result> {
    const next = (options?: NextOptions): Promise<Result> => {
      const { ctx, input, getRawInput } = call
      return run(index + 1, {
        ctx: options?.ctx ? { ...ctx, ...options.ctx } : ctx,
        type,
        path,
        input: options && 'input' in options ? options.input : input,
        getRawInput: options?.getRawInput ?? getRawInput,
        meta,
        signal: undefined,
        batchIndex: 0,
      })
    }
    try {
      const middleware = middlewares[index]
      if (!middleware) throw new Error(`Procedure ${path} has no resolver`)
      call.next = next
      return await middleware(call)
    } catch (cause) {
      return { ok: false, error: getTRPCErrorFromUnknown(cause) }
    }
  }

  return async (ctx, input) => {
    const getRawInput = () => Promise.resolve(input)
    const call: Call = {
      ctx,
      type,
      path,
      input: undefined,
      getRawInput,
      meta,
      signal: undefined,
      batchIndex: 0,
    }
    const result = await run(0, call)
    if (!result.ok) throw result.error
    return result.data
  }
}

/** The middlewares of a procedure, with those that parse replaced by ones of the same outcome. */
function parsingAtOnce({ middlewares, inputs, output }: ProcedureDefinition<Middleware>): Middleware[] {
  const schemas = inputs.values()
  return middlewares.map((middleware) => {
    const schema = middleware._type === 'input' ? schemas.next().value : output
    if (!(schema instanceof z.ZodType)) return middleware
    if (middleware._type === 'input') return inputMiddleware(parserOf(schema))
    if (middleware._type === 'output') return outputMiddleware(parserOf(schema))
    return middleware
  })
}

function inputMiddleware(parse: (value: unknown) => unknown): Middleware {
  return async ({ input, getRawInput, next }) => {
    let parsed: unknown
    try {
      parsed = parse(await getRawInput())
      if (parsed instanceof Promise) parsed = await parsed
    } catch (cause) {
      throw new TRPCError({ code: 'BAD_REQUEST', cause })
    }
    const joined = isFields(input) && isFields(parsed) ? { ...input, ...parsed } : parsed
    return nextOf(next)({ input: joined })
  }
}

function outputMiddleware(parse: (value: unknown) => unknown): Middleware {
  return async ({ next }) => {
    const result = await nextOf(next)()
    if (!result.ok) return result
    try {
      const data = parse(result.data)
      return { ok: true, data: data instanceof Promise ? await data : data }
    } catch (cause) {
      throw new TRPCError({ code: 'INTERNAL_SERVER_ERROR', message: 'Output validation failed', cause })
    }
  }
}

/** zod has compiled code only for parsing at once; a schema with asynchronous checks tells so the first time. */
function parserOf(schema: z.ZodType): (value: unknown) => unknown {
  let later = false
  return (value) => {
    if (later) return schema.parseAsync(value)
    try {
      return schema.parse(value)
    } catch (error) {
      if (!(error instanceof z.core.$ZodAsyncError)) throw error
      later = true
      return schema.parseAsync(value)
    }
  }
}

function nextOf(next: Call['next']): NonNullable<Call['next']> {
  if (!next) throw new Error('A middleware was called outside its procedure')
  return next
}

function isFields(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
