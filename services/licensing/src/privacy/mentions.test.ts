import fc from 'fast-check'
import { expect, test } from 'vitest'
import { mentions, withoutNames } from './mentions.ts'

const hostile = fc.oneof(
  fc.constantFrom(
    '$&',
    '$1',
    '$where',
    '__proto__',
    '(a+)+$',
    '\\',
    'a.b*c',
    'Zoë',
    '\u202eevil',
    '💥💥',
    'constructor',
  ),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 220 }),
)
const pseudonym = 'erased_01'

test('a name that was taken out of a value stands nowhere in it, and nothing else went', () => {
  const value = fc.letrec((tie) => ({
    text: fc.oneof(hostile, fc.string({ maxLength: 30 })),
    node: fc.oneof(
      { depthSize: 'small' },
      tie('text'),
      fc.constantFrom(null, 7, true, 9n),
      fc.array(tie('node'), { maxLength: 4 }),
      fc.dictionary(fc.string({ maxLength: 5 }), tie('node'), { maxKeys: 4 }),
    ),
  })).node
  fc.assert(
    fc.property(hostile, value, fc.array(fc.string()), (name, other, parts) => {
      fc.pre(!mentions(pseudonym, [name]))
      const all = { other, exact: name, [name]: 1, text: parts.join(` ${name} `), bytes: new Uint8Array([1]) }
      const left = withoutNames(all, [name], pseudonym)
      expect(mentions(left, [name])).toBe(false)
      expect(withoutNames(left, [name], pseudonym)).toEqual(left)
      if (!mentions(other, [name])) expect(left.other).toEqual(other)
      expect(left.bytes).toBe(all.bytes)
    }),
    { numRuns: 300 },
  )
})

test('a name is found as a word, not within another, and a short one only alone', () => {
  expect(withoutNames('asked by cr_12, not cr_123 or xcr_12', ['cr_12'], 'P')).toBe(
    'asked by P, not cr_123 or xcr_12',
  )
  expect(mentions('I am a creator', ['a'])).toBe(false)
  expect(mentions({ by: ['a'] }, ['a'])).toBe(true)
  expect(withoutNames('Zoë, Zoëlle', ['Zoë'], 'P')).toBe('Zoë, Zoëlle')
  expect(withoutNames('von Zoë-M., Zoë-M', ['Zoë-M'], 'P')).toBe('von P., P')
})
