type Json = Record<string, unknown>

/** An OpenAPI document of one service, with the service's name. */
export interface ServiceDocument {
  name: string
  document: object
}

/**
 * One OpenAPI document for several services behind one address. Components that share a name and a content are one;
 * those of other content take their service's name in front. Throws when two services serve the same route.
 */
export function mergeOpenApi(
  services: readonly ServiceDocument[],
  about: { title: string; version: string; url: string; description?: string },
): object {
  const paths: Record<string, Json> = {}
  const schemas: Json = {}
  let securitySchemes: Json = {}
  for (const { name, document } of services) {
    const components = member(document, 'components')
    const own = member(components, 'schemas')
    const renamed = newNames(name, own, schemas)
    for (const [id, schema] of Object.entries(own)) schemas[renamed.get(id) ?? id] = relink(schema, renamed)
    for (const [path, item] of Object.entries(member(document, 'paths'))) {
      const merged = (paths[path] ??= {})
      for (const [method, operation] of Object.entries(relink(item, renamed) as Json)) {
        if (merged[method]) throw new Error(`Two services serve ${method} ${path}`)
        const { operationId } = operation as { operationId?: string }
        // Services name their procedures alike; a document's operation ids are unique.
        merged[method] = {
          ...(operation as Json),
          ...(operationId && { operationId: `${name}.${operationId}` }),
        }
      }
    }
    securitySchemes = { ...securitySchemes, ...member(components, 'securitySchemes') }
  }
  const { url, ...info } = about
  return { openapi: '3.1.0', info, servers: [{ url }], paths, components: { securitySchemes, schemas } }
}

/** The names that the components of a service take beside `schemas`. */
function newNames(service: string, own: Json, schemas: Json): Map<string, string> {
  const renamed = new Map<string, string>()
  const front = `${service[0]?.toUpperCase()}${service.slice(1)}`
  // What refers to a renamed component is another component by that alone, so it goes on until nothing changes.
  for (let before = -1; before < renamed.size;) {
    before = renamed.size
    for (const [id, schema] of Object.entries(own)) {
      if (renamed.has(id) || !Object.hasOwn(schemas, id)) continue
      if (!same(schemas[id], relink(schema, renamed))) renamed.set(id, freeName(schemas, own, front + id))
    }
  }
  return renamed
}

function member(value: unknown, name: string): Json {
  return ((value as Json | undefined)?.[name] ?? {}) as Json
}

function same(left: unknown, right: unknown): boolean {
  return JSON.stringify(left) === JSON.stringify(right)
}

function freeName(schemas: Json, own: Json, wished: string): string {
  let name = wished
  for (let count = 2; Object.hasOwn(schemas, name) || Object.hasOwn(own, name); count++)
    name = `${wished}${count}`
  return name
}

const prefix = '#/components/schemas/'

function relink(value: unknown, renamed: ReadonlyMap<string, string>): unknown {
  if (Array.isArray(value)) return value.map((element) => relink(element, renamed))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => {
      if (name !== '$ref' || typeof inner !== 'string' || !inner.startsWith(prefix)) {
        return [name, relink(inner, renamed)]
      }
      const id = inner.slice(prefix.length)
      return [name, prefix + (renamed.get(id) ?? id)]
    }),
  )
}
