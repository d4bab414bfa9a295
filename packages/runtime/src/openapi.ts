import { errorTable } from '@tallystick/protocol'
import type { ErrorCode } from '@tallystick/protocol'
import { z } from 'zod'
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
const always: readonly ErrorCode[] = ['internal', 'unavailable']

/** The OpenAPI 3.1 document of `operations`, made from the same schemas that check the requests. */
export function openApiDocument(operations: readonly Operation[], info: OpenApiInfo): Json {
  const components: Json = {}
  const paths: Record<string, Json> = {}
  for (const operation of operations) {
    const path = (paths[operation.rest.path] ??= {})
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
  const description = [meta.description, scoped ? `Needs the scope \`${meta.scope}\`.` : undefined]
    .filter((text) => text !== undefined)
    .join('\n\n')
  return {
    operationId: name,
    summary: meta.summary,
    ...(description ? { description } : {}),
    tags: [...(meta.tags ?? [name.split('.')[0] ?? name])],
    security: scoped ? [{ key: [] }] : [],
    ...describeInput(operation, components),
    responses: { ...goodAnswer(operation, components), ...refusals(operation) },
    'x-scope': meta.scope,
  }
}

function describeInput(operation: Operation, components: Json): Json {
  const { input, pathParameters, queryParameters, hasBody } = operation
  if (!input) return {}
  const whole = schemaOf(input, 'input', components)
  const properties = (resolve(whole, components).properties ?? {}) as Json
  const required = (resolve(whole, components).required ?? []) as string[]
  const parameters = [...pathParameters, ...queryParameters].map((name) => {
    const { description, ...schema } = (properties[name] ?? {}) as Json
    const inPath = pathParameters.includes(name)
    return {
      name,
      in: inPath ? 'path' : 'query',
      required: inPath || required.includes(name),
      ...(description ? { description } : {}),
      schema,
    }
  })
  const described: Json = parameters.length > 0 ? { parameters } : {}
  if (hasBody) {
    described.requestBody = {
      required: true,
      content: { 'application/json': { schema: withoutFields(whole, pathParameters, components) } },
    }
  }
  return described
}

function goodAnswer({ rest, output }: Operation, components: Json): Json {
  const content: Json = {}
  if (output) content['application/json'] = { schema: schemaOf(output, 'output', components) }
  for (const type of rest.produces ?? []) content[type] = { schema: { type: 'string' } }
  const headers = { 'Request-Id': { schema: { type: 'string' } } }
  const body = Object.keys(content).length > 0 ? { content } : {}
  return { [rest.status ?? 200]: { description: 'Done', headers, ...body } }
}

function refusals({ meta, input, hasBody }: Operation): Json {
  const codes = new Set<ErrorCode>(meta.errors)
  if (input) codes.add('validation_failed')
  if (meta.scope !== 'public') codes.add('unauthorized').add('forbidden')
  if (hasBody) codes.add('invalid_json').add('payload_too_large').add('unsupported_media_type')
  for (const code of always) codes.add(code)
  const byStatus = Map.groupBy(codes, (code) => errorTable[code].status)
  const problem = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } }
  return Object.fromEntries(
    [...byStatus].map(([status, group]) => [
      status,
      {
        description: group.map((code) => `\`${code}\`: ${errorTable[code].title}`).join('\n\n'),
        content: problem,
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
