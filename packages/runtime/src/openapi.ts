import { errorTable } from '@tallystick/protocol'
import type { ErrorCode } from '@tallystick/protocol'
import { z } from 'zod'
import type { TakenBody } from './api.ts'
import type { Operation } from './operations.ts'
import { problemDocument } from './problem.ts'

type Json = Record<string, unknown>

/** What stands at the head of the document. */
export interface OpenApiInfo {
  title: string
  version: string
  description?: string | undefined
  url: string
}

/** Refusals that any route can give, beside those that its procedure names. */
const always: readonly ErrorCode[] = ['bad_request', 'rate_limited', 'internal', 'unavailable']
const ofKeyed: readonly ErrorCode[] = [
  'idempotency_key_mismatch',
  'idempotency_in_progress',
  'idempotency_key_reused',
  'conflict',
]

/** The OpenAPI 3.1 document of `operations`, made from the same schemas that check the requests. */
export function openApiDocument(operations: readonly Operation[], info: OpenApiInfo): Json {
  const components: Json = {}
  const paths: Record<string, Json> = {}
  for (const operation of operations) {
    const path = (paths[operation.path] ??= {})
    path[operation.rest.method.toLowerCase()] = describeOperation(operation, components)
  }
  schemaOf(problemDocument, 'output', components)
  return {
    openapi: '3.1.0',
    info: {
      title: info.title,
      version: info.version,
      ...(info.description ? { description: info.description } : {}),
    },
    servers: [{ url: info.url }],
    paths,
    components: {
      securitySchemes: {
        key: { type: 'http', scheme: 'bearer', description: 'An API key: `sk_test_…` or `sk_live_…`' },
      },
      schemas: components,
    },
  }
}

function describeOperation(operation: Operation, components: Json): Json {
  const { meta, name } = operation
  const scoped = meta.scope !== 'public'
  const needs = meta.scope === 'any' ? 'Takes any key that works.' : `Needs the scope \`${meta.scope}\`.`
  const roles = meta.roles && `For keys of the role ${meta.roles.join(', ')}.`
  const description = [meta.description, scoped ? needs : undefined, roles]
    .filter((text) => text !== undefined)
    .join('\n\n')
  return {
    operationId: name,
    summary: meta.summary,
    ...(description ? { description } : {}),
    tags: [...(meta.tags ?? [name.split('.')[0] ?? name])],
    security: scoped ? [{ key: [] }] : [],
    ...(meta.deprecated && { deprecated: true }),
    ...describeInput(operation, components),
    responses: { ...goodAnswer(operation, components), ...refusals(operation) },
    'x-scope': meta.scope,
    ...(meta.roles && { 'x-roles': meta.roles }),
  }
}

function describeInput(operation: Operation, components: Json): Json {
  const { input, meta, pathParameters, queryParameters, hasBody } = operation
  const keyed = meta.idempotency ? [keyParameter(meta.idempotency)] : []
  const taken = meta.rest?.takes && { requestBody: takenBody(meta.rest.takes) }
  if (!input) return taken ?? (keyed.length > 0 ? { parameters: keyed } : {})
  const whole = schemaOf(input, 'input', components)
  const properties = (resolve(whole, components).properties ?? {}) as Json
  const required = (resolve(whole, components).required ?? []) as string[]
  const examples = namedExamples(operation)
  const fields = [...pathParameters, ...queryParameters].map((name) => {
    const { description, ...schema } = (properties[name] ?? {}) as Json
    const inPath = pathParameters.includes(name)
    const example = examples.map(([, example]) => example[name]).find((value) => value !== undefined)
    return {
      name,
      in: inPath ? 'path' : 'query',
      required: inPath || required.includes(name),
      ...(description ? { description } : {}),
      schema,
      ...(example === undefined ? {} : { example }),
    }
  })
  const parameters = [...fields, ...keyed]
  const described: Json = parameters.length > 0 ? { parameters } : {}
  if (taken) return { ...described, ...taken }
  if (hasBody) {
    const schema = bodySchema(whole, operation, components)
    const bodies = examples.map(([name, example]) => {
      const value = Object.entries(example).filter(([field]) => !pathParameters.includes(field))
      return [name, { value: Object.fromEntries(value) }]
    })
    const shown = bodies.length > 0 ? { examples: Object.fromEntries(bodies) } : {}
    described.requestBody = { required: true, content: { 'application/json': { schema, ...shown } } }
  }
  return described
}

/** A body of bytes. The examples are text, which stands here in place of what could not be shown as JSON. */
function takenBody({ types, maxBytes }: TakenBody): Json {
  const length =
    maxBytes === undefined ? 'Of any length: it is read as it comes.' : `At most ${maxBytes} bytes.`
  const lines = Object.entries(types).map(([type, { description }]) => `- \`${type}\`: ${description}`)
  const content = Object.entries(types).map(([type, { example }]) => [
    type,
    { schema: { type: 'string', ...(maxBytes !== undefined && { maxLength: maxBytes }) }, example },
  ])
  return {
    required: true,
    description: [`${length} Not compressed.`, ...lines].join('\n'),
    content: Object.fromEntries(content),
  }
}

function namedExamples({ meta }: Operation): [name: string, input: Json][] {
  return (meta.examples ?? []).map(({ name, input }, place) => [
    name ?? `example${place + 1}`,
    (input ?? {}) as Json,
  ])
}

const keySchema = { type: 'string', minLength: 1, maxLength: 255 }

function keyParameter(idempotency: 'required' | 'accepted'): Json {
  const needed = idempotency === 'required' ? 'Required, here or' : 'Optional, here or'
  return {
    name: 'Idempotency-Key',
    in: 'header',
    required: false,
    description: `${needed} as \`idempotency_key\` in the body: a value of your own for this operation. A repetition with it gets the first answer.`,
    schema: keySchema,
    example: '6f1c2a9e-0d64-4a57-9d0f-3d2f5c1a7b90',
  }
}

function bodySchema(whole: Json, { meta, pathParameters }: Operation, components: Json): Json {
  const schema = withoutFields(whole, pathParameters, components)
  if (!meta.idempotency) return schema
  const { properties, ...rest } = resolve(schema, components)
  // A union of objects cannot be widened here; there the key goes into the header.
  if (properties === undefined) return schema
  return { ...rest, properties: { ...(properties as Json), idempotency_key: keySchema } }
}

function goodAnswer({ rest, meta, output }: Operation, components: Json): Json {
  const content: Json = {}
  if (output) content['application/json'] = { schema: schemaOf(output, 'output', components) }
  for (const type of rest.produces ?? []) content[type] = { schema: { type: 'string' } }
  const text = { schema: { type: 'string' } }
  const headers = {
    'Request-Id': text,
    'RateLimit-Policy': text,
    RateLimit: text,
    ...(meta.idempotency && { 'Idempotent-Replayed': text }),
    ...(meta.deprecated && { Deprecation: text, ...(meta.deprecated.sunset && { Sunset: text }) }),
  }
  const body = Object.keys(content).length > 0 ? { content } : {}
  return { [rest.status ?? 200]: { description: 'Done', headers, ...body } }
}

/** All codes that an operation may refuse a request with. */
export function refusalsOf({ meta, hasBody }: Operation): Set<ErrorCode> {
  const codes = new Set<ErrorCode>(meta.errors)
  // Where nothing is taken, whatever is sent is an unknown field.
  codes.add('validation_failed')
  if (meta.scope !== 'public') codes.add('unauthorized').add('forbidden')
  const taken = meta.rest?.takes
  if (hasBody) codes.add('unsupported_media_type').add('request_timeout')
  if (hasBody && !taken) codes.add('invalid_json')
  if (hasBody && (!taken || taken.maxBytes !== undefined)) codes.add('payload_too_large')
  if (meta.idempotency) for (const code of ofKeyed) codes.add(code)
  if (meta.idempotency === 'required') codes.add('idempotency_key_missing')
  for (const code of always) codes.add(code)
  return codes
}

function refusals(operation: Operation): Json {
  const codes = refusalsOf(operation)
  const byStatus = Map.groupBy(codes, (code) => errorTable[code].status)
  const problem = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } }
  return Object.fromEntries(
    [...byStatus].map(([status, group]) => [
      status,
      {
        description: group.map((code) => `\`${code}\`: ${errorTable[code].title}`).join('\n\n'),
        content: problem,
        'x-codes': group,
      },
    ]),
  )
}

/** `schema` as JSON Schema 2020-12; schemas with an id of their own move to the components. */
function schemaOf(schema: z.ZodType, io: 'input' | 'output', components: Json): Json {
  const { $schema: _, $defs, ...root } = z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as Json
  const renamed = new Map<string, string>()
  for (const [id, definition] of Object.entries(($defs ?? {}) as Json)) {
    renamed.set(id, componentName(id, definition, io, components))
  }
  const id = typeof root.id === 'string' ? root.id : undefined
  if (!id) return relink(root, renamed)
  const { id: _id, ...definition } = root
  return { $ref: `#/components/schemas/${componentName(id, relink(definition, renamed), io, components)}` }
}

function componentName(id: string, definition: unknown, io: 'input' | 'output', components: Json): string {
  const { id: _, ...body } = relink(definition, new Map()) as Json
  const taken = components[id]
  // Defaults make the form a caller sends differ from the form that is answered.
  const name =
    taken === undefined || JSON.stringify(taken) === JSON.stringify(body) || io === 'output'
      ? id
      : `${id}Input`
  components[name] = body
  return name
}

function relink<T>(value: T, renamed: ReadonlyMap<string, string>): T {
  const text = JSON.stringify(value)
  return JSON.parse(
    text.replaceAll(
      /"#\/\$defs\/([^"]+)"/g,
      (_, id: string) => `"#/components/schemas/${renamed.get(id) ?? id}"`,
    ),
  ) as T
}

function resolve(schema: Json, components: Json): Json {
  const name = typeof schema.$ref === 'string' ? schema.$ref.split('/').at(-1) : undefined
  return name ? ((components[name] ?? {}) as Json) : schema
}

function withoutFields(schema: Json, names: readonly string[], components: Json): Json {
  if (names.length === 0) return schema
  const { properties, required, ...rest } = resolve(schema, components)
  const keep = (name: string) => !names.includes(name)
  return {
    ...rest,
    properties: Object.fromEntries(Object.entries((properties ?? {}) as Json).filter(([name]) => keep(name))),
    required: ((required ?? []) as string[]).filter(keep),
  }
}
