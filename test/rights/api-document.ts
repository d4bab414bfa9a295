import { accountRole } from '@tallystick/protocol'
import type { AccountRole } from '@tallystick/protocol'
import { z } from 'zod'

/** A JSON Schema as far as it is read here. */
const schemaNode = z.record(z.string(), z.unknown())
type Schema = z.infer<typeof schemaNode>

const operationNode = z.object({
  operationId: z.string(),
  'x-scope': z.string(),
  'x-roles': z.array(accountRole).default(accountRole.options),
  parameters: z
    .array(
      z.object({
        name: z.string(),
        in: z.enum(['path', 'query', 'header']),
        required: z.boolean(),
        schema: schemaNode,
        example: z.unknown().optional(),
      }),
    )
    .default([]),
  requestBody: z
    .object({
      content: z.record(
        z.string(),
        z.object({
          schema: schemaNode,
          /** Of a body of bytes. */
          example: z.string().optional(),
          examples: z.record(z.string(), z.object({ value: z.record(z.string(), z.unknown()) })).default({}),
        }),
      ),
    })
    .optional(),
  responses: z.record(z.string(), z.object({ 'x-codes': z.array(z.string()).default([]) })),
})
const documentNode = z.object({
  paths: z.record(z.string(), z.record(z.string(), operationNode)),
  components: z.object({ schemas: z.record(z.string(), schemaNode) }),
})

/** A field of a request that takes the id of an object. */
export interface IdField {
  place: 'path' | 'query' | 'body'
  /** The names that lead to the field; `0` for the elements of an array. */
  path: readonly string[]
  /** Prefixes of the ids that it may take. */
  prefixes: readonly string[]
}

/** An operation as the API document tells it. */
export interface ApiOperation {
  name: string
  method: string
  path: string
  scope: string
  /** The roles whose keys may call it. */
  roles: readonly AccountRole[]
  keyed: boolean
  /** Whether it takes a body of JSON. */
  hasBody: boolean
  /** A body of bytes, for what takes no JSON. */
  upload: { type: string; text: string } | undefined
  /** The status of each error code that is documented. */
  codes: ReadonlyMap<string, number>
  statuses: readonly string[]
  /** Required query parameters with their examples. */
  query: Readonly<Record<string, unknown>>
  examples: readonly Readonly<Record<string, unknown>>[]
  idFields: readonly IdField[]
  takesLimit: boolean
}

/** The operations of the API document that a server tells. */
export async function readApi(url: string): Promise<ApiOperation[]> {
  const response = await fetch(`${url}/v1/openapi.json`)
  const { paths, components } = documentNode.parse(await response.json())
  return Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, node]) => toOperation(path, method, node, components.schemas)),
  )
}

function toOperation(
  path: string,
  method: string,
  node: z.infer<typeof operationNode>,
  components: Record<string, Schema>,
): ApiOperation {
  const json = node.requestBody?.content['application/json']
  const [upload] = Object.entries(node.requestBody?.content ?? {}).flatMap(([type, { example }]) =>
    example === undefined ? [] : [{ type, text: example }],
  )
  const content = upload ? undefined : json
  const query = node.parameters.filter((one) => one.in === 'query')
  const codes = Object.entries(node.responses).flatMap(([status, response]) =>
    response['x-codes'].map((code): [string, number] => [code, Number(status)]),
  )
  const ofParameters = node.parameters.flatMap(({ name, in: place, schema }) =>
    place === 'header' ? [] : idFieldsOf(schema, place, [name], components),
  )
  return {
    name: node.operationId,
    method: method.toUpperCase(),
    path,
    scope: node['x-scope'],
    roles: node['x-roles'],
    keyed: node.parameters.some((one) => one.in === 'header' && one.name === 'Idempotency-Key'),
    hasBody: content !== undefined,
    upload,
    codes: new Map(codes),
    statuses: Object.keys(node.responses),
    query: Object.fromEntries(
      query.filter((one) => one.required).map(({ name, example }) => [name, example ?? '1']),
    ),
    examples: Object.values(content?.examples ?? {}).map(({ value }) => value),
    idFields: [...ofParameters, ...(content ? idFieldsOf(content.schema, 'body', [], components) : [])],
    takesLimit: query.some(({ name }) => name === 'limit'),
  }
}

/** Kinds that a field of free references may name, by the field's name. */
const referenceKinds: readonly [names: RegExp, prefixes: readonly string[]][] = [
  [/^(items?|item_id)$/, ['item', 'ds', 'sha256']],
  [/^dataset$/, ['ds']],
  [/^licenses?$/, ['lic']],
  [/^(buyer|creator|actor|subject|party|account|customer)s?(_id)?$/, ['acct']],
]
const deepest = 8

function idFieldsOf(
  schema: Schema,
  place: IdField['place'],
  path: readonly string[],
  components: Record<string, Schema>,
): IdField[] {
  if (path.length > deepest) return []
  const name = path.findLast((part) => part !== '0') ?? ''
  const reference = schema['$ref']
  if (typeof reference === 'string') {
    const target = components[reference.split('/').at(-1) ?? '']
    return target ? idFieldsOf(target, place, path, components) : []
  }
  const pattern = typeof schema['pattern'] === 'string' ? schema['pattern'] : ''
  const prefix = /^\^(?:([a-z]+)_\[|(sha256):)/
    .exec(pattern)
    ?.slice(1)
    .find((one) => one !== undefined)
  if (prefix !== undefined) return [{ place, path, prefixes: [prefix] }]
  const children: IdField[] = []
  for (const [key, child] of Object.entries(asSchema(schema['properties'])))
    children.push(...idFieldsOf(asSchema(child), place, [...path, key], components))
  if (schema['items'])
    children.push(...idFieldsOf(asSchema(schema['items']), place, [...path, '0'], components))
  for (const union of ['anyOf', 'oneOf', 'allOf']) {
    const branches = schema[union]
    if (Array.isArray(branches))
      for (const branch of branches) children.push(...idFieldsOf(asSchema(branch), place, path, components))
  }
  if (children.length > 0) return unique(children)
  const kinds =
    schema['type'] === 'string' || name === 'item_id'
      ? referenceKinds.find(([names]) => names.test(name))
      : undefined
  return kinds ? [{ place, path, prefixes: kinds[1] }] : []
}

/** One entry for each field, with all prefixes that its branches allow. */
function unique(fields: readonly IdField[]): IdField[] {
  const byPath = Map.groupBy(fields, ({ path }) => path.join('/'))
  return [...byPath.values()].flatMap((same) => {
    const [first] = same
    return first ? [{ ...first, prefixes: [...new Set(same.flatMap(({ prefixes }) => prefixes))] }] : []
  })
}

function asSchema(value: unknown): Schema {
  return schemaNode.safeParse(value).data ?? {}
}
