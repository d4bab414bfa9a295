import type { AnyTRPCProcedure, AnyTRPCRouter } from '@trpc/server'
import { z } from 'zod'
import { definitionOf } from './procedure-definition.ts'
import type { ProcedureMeta, RestRoute } from './api.ts'
import { looseObject } from './strict-schema.ts'

/** One procedure that answers by REST, with all that its route and its entry in the OpenAPI document are made from. */
export interface Operation {
  /** The procedure's place in the router, such as `records.create`. */
  name: string
  procedure: AnyTRPCProcedure
  meta: ProcedureMeta
  rest: RestRoute
  /** The path as the API document writes it: `/v1/audit/{audit_id}`. */
  path: string
  /** The path as the router of the server writes it: `/v1/audit/:audit_id`. */
  url: string
  input: z.ZodType | undefined
  output: z.ZodType | undefined
  pathParameters: readonly string[]
  /** Fields of the input that come from the query; for methods with a body there are none. */
  queryParameters: readonly string[]
  hasBody: boolean
}

/** All REST operations of `router`. Throws for a procedure whose declaration contradicts itself. */
export function operationsOf(router: AnyTRPCRouter): Operation[] {
  const operations: Operation[] = []
  for (const [name, procedure] of Object.entries<AnyTRPCProcedure>(router._def.procedures)) {
    const meta = procedure._def.meta as ProcedureMeta | undefined
    if (meta?.idempotency && (meta.scope === 'public' || procedure._def.type !== 'mutation')) {
      throw new Error(`Procedure ${name} takes idempotency keys: it must be a mutation that needs an API key`)
    }
    if (meta?.idempotency && meta.rest?.takes) {
      throw new Error(`Procedure ${name} takes bytes, which no idempotency key can stand for`)
    }
    if (!meta?.scope) throw new Error(`Procedure ${name} has no scope; begin it with procedure(meta)`)
    const { since, sunset } = meta.deprecated ?? {}
    // RFC 9745, section 4.
    if (since && sunset && sunset < since) throw new Error(`Procedure ${name} ends before it is deprecated`)
    const { inputs, output } = definitionOf(procedure)
    if (inputs.length > 1) throw new Error(`Procedure ${name} has several inputs; give it one schema`)
    const input = asSchema(inputs[0])
    const loose = input && looseObject(input)
    if (loose) throw new Error(`The input of ${name} takes unknown fields at ${loose}; use z.strictObject`)
    if (meta.rest) operations.push(toOperation(name, procedure, meta, meta.rest, input, asSchema(output)))
  }
  return operations
}

function toOperation(
  name: string,
  procedure: AnyTRPCProcedure,
  meta: ProcedureMeta,
  rest: RestRoute,
  input: z.ZodType | undefined,
  output: z.ZodType | undefined,
): Operation {
  const hasBody = rest.method === 'POST' || rest.method === 'PUT' || rest.method === 'PATCH'
  const pathParameters = [...rest.path.matchAll(/\{(\w+)\+?\}/g)].map((match) => match[1] ?? '')
  const fields = input instanceof z.ZodObject ? Object.keys(input.shape) : []
  const missing = pathParameters.find((parameter) => !fields.includes(parameter))
  if (missing) throw new Error(`The input of ${name} has no field ${missing}, which its path names`)
  if (input && !hasBody && !(input instanceof z.ZodObject)) {
    throw new Error(`The input of ${name} comes from path and query, so it must be an object schema`)
  }
  const queryParameters = hasBody ? [] : fields.filter((field) => !pathParameters.includes(field))
  const path = rest.path.replace('+}', '}')
  const url = rest.path.replace(/\{\w+\+\}$/, '*').replaceAll(/\{(\w+)\}/g, ':$1')
  return { name, procedure, meta, rest, path, url, input, output, pathParameters, queryParameters, hasBody }
}

function asSchema(value: unknown): z.ZodType | undefined {
  return value instanceof z.ZodType ? value : undefined
}
