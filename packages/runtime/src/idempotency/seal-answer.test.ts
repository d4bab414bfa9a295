import fc from 'fast-check'
import { expect, test } from 'vitest'
import { sealAnswer, unsealAnswer } from './seal-answer.ts'

test('an answer is readable with the key that asked, and with no other', () => {
  fc.assert(
    fc.property(fc.string(), fc.string({ minLength: 1 }), (body, key) => {
      const sealed = sealAnswer(body, key)
      expect(Buffer.from(unsealAnswer(sealed, key)).toString()).toBe(Buffer.from(body).toString())
      expect(() => unsealAnswer(sealed, `${key}x`)).toThrow()
    }),
    { numRuns: 50 },
  )
})

test('a changed byte is noticed, and the same answer is sealed otherwise each time', () => {
  const sealed = sealAnswer('{"secret":"sk"}', 'key')
  expect(Buffer.from(sealed).includes('secret')).toBe(false)
  expect(sealAnswer('{"secret":"sk"}', 'key')).not.toEqual(sealed)
  for (let place = 0; place < sealed.length; place++) {
    const changed = Uint8Array.from(sealed)
    changed[place] = (changed[place] ?? 0) ^ 1
    expect(() => unsealAnswer(changed, 'key')).toThrow()
  }
})
