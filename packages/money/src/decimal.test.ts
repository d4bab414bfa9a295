import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  addDecimals,
  compareDecimals,
  divideDecimals,
  formatDecimal,
  multiplyDecimals,
  parseDecimal,
  roundDecimal,
  subtractDecimals,
} from './decimal.ts'
import { MoneyError } from './money-error.ts'

const decimals = fc.record({
  mantissa: fc.bigInt({ min: -(10n ** 30n - 1n), max: 10n ** 30n - 1n }),
  scale: fc.constant(12),
})
const text = (value: string): string => formatDecimal(parseDecimal(value))

describe('exact decimals', () => {
  test('read what the wire may carry and print its shortest form', () => {
    expect(text('-0.100')).toBe('-0.1')
    expect(text('-0')).toBe('0')
    expect(text('999999999999999999.999999999999')).toBe('999999999999999999.999999999999')
    expect(formatDecimal(parseDecimal('7'), 2)).toBe('7.00')
    expect(formatDecimal(parseDecimal('7.125'), 2)).toBe('7.125')
  })

  test('refuse what is not plainly a decimal', () => {
    const syntax = ['', '-', '.5', '5.', '+1', '01', '1e3', '0x10', '1,5', ' 1', '1\n', '١', 'NaN', '--1']
    const tooLong = ['1000000000000000000', '0.0000000000001']
    for (const value of [...syntax, ...tooLong]) expect(() => parseDecimal(value), value).toThrow(MoneyError)
    expect(parseDecimal('1000000000000000000', { integer: 19, fraction: 0 }).mantissa).toBe(10n ** 18n)
  })

  test('come back from their text', () => {
    fc.assert(
      fc.property(decimals, (value) => compareDecimals(parseDecimal(formatDecimal(value)), value) === 0),
    )
  })

  test('add, subtract and multiply without losing a digit', () => {
    expect(formatDecimal(addDecimals(parseDecimal('0.1'), parseDecimal('0.2')))).toBe('0.3')
    expect(
      formatDecimal(multiplyDecimals(parseDecimal('0.000000000001'), parseDecimal('-0.000000000001'))),
    ).toBe('-0.000000000000000000000001')
    fc.assert(
      fc.property(decimals, decimals, decimals, (a, b, c) => {
        const left = multiplyDecimals(a, addDecimals(b, c))
        const right = addDecimals(multiplyDecimals(a, b), multiplyDecimals(a, c))
        return (
          compareDecimals(left, right) === 0 &&
          compareDecimals(subtractDecimals(addDecimals(a, b), b), a) === 0
        )
      }),
    )
  })

  test('divide to a stated scale and round once', () => {
    expect(formatDecimal(divideDecimals(parseDecimal('2'), parseDecimal('3'), 4))).toBe('0.6667')
    expect(formatDecimal(divideDecimals(parseDecimal('2'), parseDecimal('3'), 4, 'down'))).toBe('0.6666')
    expect(formatDecimal(divideDecimals(parseDecimal('-1'), parseDecimal('0.008'), 0))).toBe('-125')
    expect(() => divideDecimals(parseDecimal('1'), parseDecimal('0.00'), 2)).toThrow(MoneyError)
    expect(formatDecimal(roundDecimal(parseDecimal('-1.005'), 2))).toBe('-1.01')
    expect(formatDecimal(roundDecimal(parseDecimal('1.005'), 2, 'half_even'))).toBe('1')
  })

  test('division undoes multiplication', () => {
    fc.assert(
      fc.property(
        decimals,
        decimals.filter((b) => b.mantissa !== 0n),
        (a, b) => compareDecimals(divideDecimals(multiplyDecimals(a, b), b, 12), a) === 0,
      ),
    )
  })
})
