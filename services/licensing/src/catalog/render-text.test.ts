import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseText, renderText, variablesOf } from './render-text.ts'
import type { TextPart } from './render-text.ts'

const name = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_.]{0,12}$/)
const literal = fc.string({ unit: 'binary' }).map((text) => text.replaceAll('{', '('))
const source = fc.array(
  fc.oneof(
    literal,
    name.map((one) => ({ one })),
  ),
  { maxLength: 12 },
)

function partsOf(text: string): TextPart[] {
  const result = parseText(text)
  if (!result.valid) throw new Error(JSON.stringify(result.errors))
  return result.value
}

function rendered(text: string, values: Record<string, string>): string {
  const result = renderText(partsOf(text), values)
  if (!result.valid) throw new Error(JSON.stringify(result.errors))
  return result.value
}

test('puts each value where its variable stands, and changes nothing else', () => {
  fc.assert(
    fc.property(source, fc.func(fc.string()), (pieces, valueOf) => {
      const text = pieces.map((piece) => (typeof piece === 'string' ? piece : `{{${piece.one}}}`)).join('')
      const values: Record<string, string> = {}
      for (const one of variablesOf(partsOf(text))) values[one] = valueOf(one)
      const wanted = pieces.map((piece) => (typeof piece === 'string' ? piece : values[piece.one])).join('')
      expect(rendered(text, values)).toBe(wanted)
    }),
  )
})

test('never reads a value as a text: what looks like a variable in it stays as it is', () => {
  const values = { a: '{{b}} {{a}} {{', b: '}}' }
  expect(rendered('{{a}}-{{ b }}', values)).toBe('{{b}} {{a}} {{-}}')
})

test('refuses what is missing and what is unknown, each with its pointer', () => {
  const result = renderText(partsOf('{{buyer}} pays {{amount}}'), { buyer: 'b', 'x/~y': '1' })
  expect(result).toMatchObject({
    valid: false,
    errors: [{ pointer: '/variables/amount' }, { pointer: '/variables/x~1~0y' }],
  })
})

test('takes no inherited property for a value', () => {
  const result = renderText(partsOf('{{constructor}} {{toString}}'), {})
  expect(result).toMatchObject({ valid: false, errors: [{}, {}] })
})

test.each([
  '{{',
  'a {{ }}',
  '{{1a}}',
  '{{a',
  '{{a}',
  '{{{a}}}',
  '{{a b}}',
  `{{${'a'.repeat(65)}}}`,
  '{{\na}}',
])('refuses to publish %j', (text) => {
  expect(parseText(text)).toMatchObject({ valid: false, errors: [{ pointer: '/text' }] })
})

test('names each variable once', () => {
  expect(variablesOf(partsOf('{{b}}{{a}}{{ b }} } }} {'))).toEqual(['b', 'a'])
})
