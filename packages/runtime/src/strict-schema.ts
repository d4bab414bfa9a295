import { z } from 'zod'

/**
 * The path of the first object in an input schema that would silently drop or keep unknown fields, or undefined when
 * all are strict. A misspelt field in a request about rights or money must be refused, never ignored.
 */
export function looseObject(
  schema: z.core.$ZodType,
  path = '',
  seen = new Set<z.core.$ZodType>(),
): string | undefined {
  if (seen.has(schema)) return undefined
  seen.add(schema)
  if (schema instanceof z.ZodObject && !(schema.def.catchall instanceof z.ZodNever)) return path || '/'
  for (const [name, child] of children(schema)) {
    const found = looseObject(child, `${path}${name}`, seen)
    if (found) return found
  }
  return undefined
}

function children(schema: z.core.$ZodType): [string, z.core.$ZodType][] {
  if (schema instanceof z.ZodObject) {
    return Object.entries(schema.shape).map(([name, child]) => [`/${name}`, child])
  }
  if (schema instanceof z.ZodArray) return [['/0', schema.element]]
  if (schema instanceof z.ZodRecord) return [['/*', schema.valueType]]
  if (schema instanceof z.ZodTuple) return schema.def.items.map((item, index) => [`/${index}`, item])
  if (schema instanceof z.ZodUnion) return schema.options.map((option) => ['', option])
  if (schema instanceof z.ZodIntersection)
    return [
      ['', schema.def.left],
      ['', schema.def.right],
    ]
  if (schema instanceof z.ZodPipe) return [['', schema.in]]
  if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodCatch ||
    schema instanceof z.ZodReadonly
  ) {
    return [['', schema.unwrap()]]
  }
  return []
}
