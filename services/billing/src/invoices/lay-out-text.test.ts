import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { codePointMark } from './code-point-mark.ts'
import { fontFor } from './fonts/font-for.ts'
import { layOutText } from './lay-out-text.ts'

/** A letter takes 10 points. */
const layOut = (text: string, width: number) =>
  layOutText(text, { width, measure: (shown) => 10 * Array.from(shown).length, missing: new Set() })
const said = (text: string, width: number) =>
  layOut(text, width).map(({ runs }) => runs.map((run) => run.text).join(''))

const samples = [
  'a',
  'Ω',
  'ж',
  ' ',
  '-',
  'ế',
  'ש',
  'ب',
  '٣',
  '漢',
  '。',
  '한',
  '😀',
  '(',
  ')',
  '\n',
  '\u200d',
  '7',
]
const anyText = fc.oneof(
  fc.array(fc.constantFrom(...samples), { maxLength: 60 }).map((parts) => parts.join('')),
  fc.string({ unit: 'grapheme', maxLength: 60 }),
)

describe('text in lines', () => {
  it('is no wider than it may be, unless a single sign is', () => {
    fc.assert(
      fc.property(anyText, fc.integer({ min: 10, max: 300 }), (text, width) => {
        for (const { runs, width: wide } of layOut(text, width)) {
          const signs = [...new Intl.Segmenter().segment(runs.map((run) => run.text).join(''))]
          if (signs.length > 1) expect(wide).toBeLessThanOrEqual(width)
        }
      }),
    )
  })

  it('has each character that it had, or its code point where no font has it, but for spaces at the ends of lines', () => {
    const nothing = /[\p{Z}\p{Default_Ignorable_Code_Point}\n\r\t]/gu
    const shownOf = (one: string) => (fontFor(one) ? one : codePointMark(one))
    fc.assert(
      fc.property(anyText, fc.integer({ min: 10, max: 300 }), (text, width) => {
        const shown = said(text.normalize('NFC'), width).join('')
        const had = Array.from(text.normalize('NFC').replaceAll(nothing, ''), shownOf).join('')
        expect(Array.from(shown.replaceAll(nothing, ''))).toHaveLength(Array.from(had).length)
      }),
    )
  })

  it('breaks after spaces and hyphens, between ideographs, and in words that are too long', () => {
    expect(said('one two-three', 90)).toEqual(['one two-', 'three'])
    expect(said('漢字漢字。', 40)).toEqual(['漢字漢', '字。'])
    expect(said('abcdefghijklm', 50)).toEqual(['abcde', 'fghij', 'klm'])
    expect(said('one\n\ntwo', 90)).toEqual(['one', '', 'two'])
  })

  it('goes from left to right in the order of the Unicode Bidirectional Algorithm', () => {
    const drawn = (text: string) =>
      layOut(text, 900).flatMap(({ runs }) =>
        runs.map((run) => (run.rightToLeft ? Array.from(run.text).toReversed().join('') : run.text)),
      )
    expect(drawn('abc אבג def').join('')).toBe('abc גבא def')
    expect(drawn('אבג 12 (דה)').join('')).toBe('(הד) 12 גבא')
    expect(drawn('אב😀ג').join('')).toBe('ג[U+1F600]בא')
    expect(drawn('ب ٢٠٢٦').join('')).toBe('٢٠٢٦ ب')
  })
})
