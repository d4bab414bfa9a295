import { z } from 'zod'

/** Turns the text of a path or query parameter into what its schema takes; text that does not fit stays text. */
export type Coerce = (text: string | readonly string[]) => unknown

/**
 * The coercion for one field, chosen once when its route is registered. Only path and query text is ever coerced: a
 * JSON body already has types, and `"false"` in it must not become false.
 */
export function coercion(schema: z.core.$ZodType): Coerce {
  const inner = unwrap(schema)
  if (inner instanceof z.ZodArray) {
    const element = coercion(inner.element)
    return (text) => (typeof text === 'string' ? [text] : text).map((one) => element(one))
  }
  const single = scalarCoercion(inner)
  return (text) => (typeof text === 'string' ? single(text) : text)
}

function scalarCoercion(schema: z.core.$ZodType): (text: string) => unknown {
  if (schema instanceof z.ZodNumber) return toNumber
  if (schema instanceof z.ZodBoolean) return toBoolean
  if (schema instanceof z.ZodBigInt) return (text) => (/^-?\d{1,39}$/.test(text) ? BigInt(text) : text)
  if (schema instanceof z.ZodLiteral) {
    const values = new Map([...schema.values].map((value) => [String(value), value]))
    return (text) => (values.has(text) ? values.get(text) : text)
  }
  if (schema instanceof z.ZodUnion) {
    const options = schema.options.map((option) => ({ option, coerce: scalarCoercion(unwrap(option)) }))
    return (text) => {
      for (const { option, coerce } of options) {
        const result = z.safeParse(option, coerce(text))
        if (result.success) return coerce(text)
      }
      return text
    }
  }
  return (text) => text
}

// Number() would read '', ' 1', '0x10' and '1e400'; a caller who writes those has made a mistake.
function toNumber(text: string): unknown {
  return /^-?(0|[1-9]\d{0,15})(\.\d{1,15})?$/.test(text) ? Number(text) : text
}

function toBoolean(text: string): unknown {
  return text === 'true' ? true : text === 'false' ? false : text
}

function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodCatch ||
    schema instanceof z.ZodReadonly ||
    schema instanceof z.ZodNonOptional
  ) {
    return unwrap(schema.unwrap())
  }
  return schema instanceof z.ZodPipe ? unwrap(schema.in) : schema
}
