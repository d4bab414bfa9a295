import type { z } from 'zod'
import type { Scalar } from './scalar.ts'

/** What the values of an indexed field are. A number and a bigint of one value are one key. */
export type ScalarType = 'text' | 'number' | 'boolean' | 'date'

const names: Readonly<Record<string, ScalarType>> = {
  string: 'text',
  template_literal: 'text',
  number: 'number',
  int: 'number',
  bigint: 'number',
  boolean: 'boolean',
  date: 'date',
}

/**
 * The types that a schema allows a document's field to have, or undefined where it does not tell (`z.custom`). With
 * `each` those of the elements of its array. Null and absence are no types.
 */
export function fieldTypes(
  schema: z.core.$ZodType,
  field: string,
  each: boolean,
): Set<ScalarType> | undefined {
  const declared = fieldSchemas(schema, field)
  const found = declared.map((one) => typesOf(one, each))
  return found.length === 0 ? undefined : union(found)
}

/** The type of a scalar, or undefined for null and bytes. */
export function typeOfScalar(value: Scalar): ScalarType | undefined {
  return value instanceof Date ? 'date' : names[typeof value]
}

/** What a field is declared as: in a union of objects perhaps several times. */
function fieldSchemas(schema: z.core.$ZodType, field: string): z.core.$ZodType[] {
  const { def } = (schema as z.core.$ZodTypes)._zod
  if (def.type === 'object') return Object.hasOwn(def.shape, field) ? [def.shape[field] ?? schema] : []
  if (def.type === 'union') return def.options.flatMap((option) => fieldSchemas(option, field))
  if (def.type === 'pipe') return fieldSchemas(def.out, field)
  return []
}

function typesOf(schema: z.core.$ZodType, each: boolean): Set<ScalarType> | undefined {
  const { def } = (schema as z.core.$ZodTypes)._zod
  const known = names[def.type]
  if (known !== undefined) return new Set([known])
  switch (def.type) {
    case 'null':
    case 'undefined':
      return new Set()
    case 'enum':
      return ofValues(Object.values(def.entries))
    case 'literal':
      return ofValues(def.values)
    case 'union':
      return union(def.options.map((option) => typesOf(option, each)))
    case 'pipe':
      return typesOf(def.out, each)
    case 'array':
      return each ? typesOf(def.element, false) : undefined
    case 'optional':
    case 'nullable':
    case 'nonoptional':
    case 'default':
    case 'prefault':
    case 'catch':
    case 'readonly':
      return typesOf(def.innerType, each)
    default:
      return undefined
  }
}

function ofValues(values: readonly unknown[]): Set<ScalarType> {
  return new Set(values.flatMap((value) => names[typeof value] ?? []))
}

function union(all: readonly (Set<ScalarType> | undefined)[]): Set<ScalarType> | undefined {
  const types = new Set<ScalarType>()
  for (const some of all) {
    if (some === undefined) return undefined
    for (const type of some) types.add(type)
  }
  return types
}
