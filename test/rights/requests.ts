import type { ApiOperation, IdField } from './api-document.ts'
import type { Sent } from './rights-world.ts'

/** A request to an operation, ready to be sent. */
export interface Request {
  path: string
  body?: Record<string, unknown>
  /** In place of JSON. */
  upload?: NonNullable<ApiOperation['upload']>
}

/** The body of a request, as it is sent. */
export function sentBody({ body, upload }: Request): Pick<Sent, 'body' | 'headers'> {
  return upload ? { body: upload.text, headers: { 'content-type': upload.type } } : { body }
}

/** An id of a kind that nothing has. */
export function missingId(prefix: string): string {
  return prefix === 'sha256' ? `sha256:${'7'.repeat(64)}` : `${prefix}_01kqxq5t8r${'7'.repeat(16)}`
}

/**
 * The request to an operation that its document shows, with `id` in `field`; ids that other fields need are taken from
 * `known`, by prefix, or are of nothing.
 */
export function requestTo(
  operation: ApiOperation,
  known: (prefix: string) => string | undefined,
  given?: { field: IdField; id: string },
  example: Readonly<Record<string, unknown>> = operation.examples[0] ?? {},
): Request {
  const idFor = (field: IdField) => {
    if (given?.field === field) return given.id
    const [prefix = ''] = field.prefixes
    return known(prefix) ?? missingId(prefix)
  }
  let { path } = operation
  const query = new URLSearchParams(
    Object.entries(operation.query).map(([name, value]): [string, string] => [name, String(value)]),
  )
  const body = structuredClone(example) as Record<string, unknown>
  for (const field of operation.idFields) {
    const [name = ''] = field.path
    if (field.place === 'path') path = path.replace(`{${name}}`, encodeURIComponent(idFor(field)))
    else if (field.place === 'query') {
      if (given?.field === field) query.set(name, given.id)
    } else if (given?.field === field) put(body, field.path, given.id)
    else if (isExampleId(at(body, field.path))) put(body, field.path, idFor(field))
  }
  const sent = query.size > 0 ? `${path}?${query.toString()}` : path
  if (operation.upload) return { path: sent, upload: operation.upload }
  return operation.hasBody ? { path: sent, body } : { path: sent }
}

/** Whether a value of an example is an id that stands for one of the caller's own. */
function isExampleId(value: unknown): boolean {
  return typeof value === 'string' && /^[a-z]+_01kqxq5t8r0{16}$/.test(value)
}

function at(value: unknown, path: readonly string[]): unknown {
  return path.reduce(
    (inner: unknown, name) =>
      typeof inner === 'object' && inner !== null ? Reflect.get(inner, name) : undefined,
    value,
  )
}

function put(body: Record<string, unknown>, path: readonly string[], id: string): void {
  let inner: object = body
  path.slice(0, -1).forEach((name, place) => {
    const next: unknown = Reflect.get(inner, name)
    if (typeof next === 'object' && next !== null) inner = next
    else {
      const made = path[place + 1] === '0' ? [] : {}
      Reflect.set(inner, name, made)
      inner = made
    }
  })
  Reflect.set(inner, path.at(-1) ?? '', id)
}
