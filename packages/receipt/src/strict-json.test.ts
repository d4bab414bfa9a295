import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseStrictJson, StrictJsonError } from './strict-json.ts'

const vectors = process.env['CONFORMANCE_VECTORS']

describe.skipIf(vectors === undefined)('published RFC 8785 cases (set CONFORMANCE_VECTORS to run)', () => {
  it('reads each canonical form to the value that JSON.parse reads', () => {
    const text = readFileSync(join(vectors ?? '', 'rfc8785/cases.json'), 'utf8')
    for (const { canonicalHex } of JSON.parse(text) as { canonicalHex: string }[]) {
      const canonical = Buffer.from(canonicalHex, 'hex')
      expect(parseStrictJson(canonical)).toEqual(JSON.parse(canonical.toString()))
    }
  })
})

describe('parseStrictJson', () => {
  it('reads whatever JSON.stringify prints of well-formed values, indented or not', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(0, 2, '\t'), (value, indent) => {
        const text = JSON.stringify(value, null, indent)
        fc.pre(text.isWellFormed() && !/\\ud[89a-f]|"__proto__"/i.test(text))
        expect(parseStrictJson(text)).toEqual(JSON.parse(text))
        expect(parseStrictJson(Buffer.from(text))).toEqual(JSON.parse(text))
      }),
    )
  })

  it('accepts no text that JSON.parse refuses, and reads no other value', () => {
    const token = fc.constantFrom(
      ...'{ } [ ] : , " \\ \n'.split(' '),
      ' ',
      '"a"',
      '1',
      '-',
      '0',
      '.5',
      'e9',
      'true',
      'null',
      '\\u',
      '00e9',
      '\u0001',
    )
    fc.assert(
      fc.property(fc.array(token, { maxLength: 12 }), (tokens) => {
        const text = tokens.join('')
        let value: unknown
        try {
          value = parseStrictJson(text)
        } catch (error) {
          expect(error).toBeInstanceOf(StrictJsonError)
          return
        }
        expect(value).toEqual(JSON.parse(text))
      }),
      { numRuns: 5000 },
    )
  })

  it.each([
    ['a duplicate member', '{"a":1,"a":1}'],
    ['a duplicate member in the depth', '[{"b":{"a":1,"c":2,"a":3}}]'],
    ['a duplicate member spelled with an escape', String.raw`{"a":1,"\u0061":2}`],
    ['__proto__', '{"__proto__":{"admin":true}}'],
    ['__proto__ spelled with an escape', String.raw`{"\u005f_proto__":1}`],
    ['a lone surrogate by escape', String.raw`"\ud800"`],
    ['a lone surrogate by escape in a name', String.raw`{"\udc00":1}`],
    ['a raw lone surrogate', '"\ud800"'],
    ['swapped surrogates', String.raw`"\udc00\ud800"`],
    ['an integer beyond what a double carries', '9007199254740993'],
    ['a fraction beyond what a double carries', '0.1000000000000000055511151231257827'],
    ['a number that becomes infinite', '1e400'],
    ['a number that becomes zero', '1e-400'],
    ['an exponent of absurd length', `1e${'9'.repeat(200)}`],
    ['NaN', 'NaN'],
    ['Infinity', '-Infinity'],
    ['a leading zero', '01'],
    ['a plus sign', '+1'],
    ['a bare fraction', '.5'],
    ['a trailing comma in an object', '{"a":1,}'],
    ['a trailing comma in an array', '[1,]'],
    ['a comment', '[1/*x*/]'],
    ['single quotes', "{'a':1}"],
    ['a bare name', '{a:1}'],
    ['text behind the value', '{} {}'],
    ['nothing', ''],
    ['white space alone', ' \n'],
    ['an open object', '{"a":1'],
    ['an open array', '[1'],
    ['an open string', '"abc'],
    ['a string that ends in an escape', '"abc\\'],
    ['a control character in a string', '"a\nb"'],
    ['an unknown escape', String.raw`"\x41"`],
    ['a short unicode escape', String.raw`"\u12"`],
    ['white space that JSON does not know', '\u00a01'],
    ['a byte order mark', '\ufeff1'],
  ])('refuses %s', (_, text) => {
    expect(() => parseStrictJson(text)).toThrow(StrictJsonError)
  })

  it.each([
    ['an invalid byte', [0x22, 0xff, 0x22]],
    ['an overlong form', [0x22, 0xc0, 0xaf, 0x22]],
    ['an encoded surrogate', [0x22, 0xed, 0xa0, 0x80, 0x22]],
    ['a cut sequence', [0x22, 0xe2, 0x82, 0x22]],
    ['a byte order mark', [0xef, 0xbb, 0xbf, 0x31]],
  ])('refuses bytes with %s', (_, bytes) => {
    expect(() => parseStrictJson(Uint8Array.from(bytes))).toThrow(StrictJsonError)
  })

  it.each([
    '0',
    '-0',
    '1',
    '-1.5',
    '1.50',
    '1E3',
    '1e+3',
    '100e-2',
    '9007199254740992',
    '1e21',
    '5e-324',
    '0e99999',
    '0.1',
  ])('reads the number %s', (text) => {
    expect(parseStrictJson(text)).toBe(Number(text))
  })

  it('reads names of Object.prototype as plain members', () => {
    const value = parseStrictJson('{"constructor":1,"toString":2,"hasOwnProperty":3}')
    expect(Object.entries(value as object)).toEqual([
      ['constructor', 1],
      ['toString', 2],
      ['hasOwnProperty', 3],
    ])
  })

  it('reads surrogate pairs, raw and escaped', () => {
    expect(parseStrictJson(String.raw`["\ud83d\ude00","😀"]`)).toEqual(['😀', '😀'])
  })

  it('reads up to maxDepth levels and no further', () => {
    expect(parseStrictJson('[[[]]]', { maxDepth: 3 })).toEqual([[[]]])
    expect(() => parseStrictJson('[[[[]]]]', { maxDepth: 3 })).toThrow('more than 3 levels at offset 3')
    expect(() => parseStrictJson('['.repeat(500_000))).toThrow('more than 64 levels')
    expect(() => parseStrictJson('{"a":'.repeat(100_000))).toThrow('more than 64 levels')
  })

  it('counts bytes, not characters, against maxBytes', () => {
    expect(parseStrictJson('"é"', { maxBytes: 4 })).toBe('é')
    expect(() => parseStrictJson('"é"', { maxBytes: 3 })).toThrow('more than 3 bytes')
    expect(() => parseStrictJson(Buffer.from('"é"'), { maxBytes: 3 })).toThrow('more than 3 bytes')
  })
})
