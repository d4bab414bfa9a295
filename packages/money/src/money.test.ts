import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { displayMoney, formatMoney, readableDecimal, readableMoney } from './format-money.ts'
import { MoneyError } from './money-error.ts'
import {
  addMoney,
  compareMoney,
  fromWire,
  money,
  negateMoney,
  percentOf,
  subtractMoney,
  sumMoney,
  toMajor,
  toMinor,
  toWire,
} from './money.ts'

const codeOf = (run: () => unknown): string | undefined => {
  try {
    run()
  } catch (error) {
    if (error instanceof MoneyError) return error.code
  }
  return undefined
}

describe('amounts', () => {
  test('cross the wire unchanged, or are refused where a JSON reader would change them', () => {
    const safe = fc.maxSafeInteger()
    fc.assert(fc.property(safe, (amount) => toWire(fromWire({ amount, currency: 'USD' })).amount === amount))
    const last = BigInt(Number.MAX_SAFE_INTEGER)
    expect(toWire(money(-last, 'USD')).amount).toBe(Number.MIN_SAFE_INTEGER)
    expect(codeOf(() => toWire(money(last + 1n, 'USD')))).toBe('amount_out_of_range')
    expect(codeOf(() => toWire(money(-last - 1n, 'USD')))).toBe('amount_out_of_range')
    for (const amount of [0.5, 2 ** 53, Number.NaN, Infinity]) {
      expect(codeOf(() => fromWire({ amount, currency: 'USD' }))).toBe('amount_out_of_range')
    }
    expect(codeOf(() => fromWire({ amount: 1, currency: 'DEM' }))).toBe('currency_withdrawn')
  })

  test('of different currencies neither add nor compare', () => {
    const [dollar, euro] = [money(100n, 'USD'), money(100n, 'EUR')]
    for (const operation of [addMoney, subtractMoney, compareMoney]) {
      expect(codeOf(() => operation(dollar, euro))).toBe('currency_mismatch')
    }
    expect(codeOf(() => sumMoney([dollar], 'EUR'))).toBe('currency_mismatch')
  })

  test('form a group under addition', () => {
    const amounts = fc.bigInt().map((amount) => money(amount, 'JPY'))
    fc.assert(
      fc.property(amounts, amounts, amounts, (a, b, c) => {
        expect(addMoney(addMoney(a, b), c)).toEqual(addMoney(a, addMoney(b, c)))
        expect(addMoney(a, negateMoney(a))).toEqual(money(0n, 'JPY'))
        expect(subtractMoney(addMoney(a, b), b)).toEqual(a)
        expect(compareMoney(a, b) + compareMoney(b, a)).toBe(0)
        expect(sumMoney([a, b, c], 'JPY').amount).toBe(a.amount + b.amount + c.amount)
      }),
    )
  })

  test('come from major units by the exponent of their currency', () => {
    expect(toMinor('125.505', 'USD')).toBe(12551n)
    expect(toMinor('125.505', 'USD', 'half_even')).toBe(12550n)
    expect(toMinor('125.5', 'JPY')).toBe(126n)
    expect(toMinor('-125.5', 'JPY')).toBe(-126n)
    expect(toMinor('1.2345', 'KWD')).toBe(1235n)
    expect(toMinor('1.23445', 'CLF')).toBe(12345n)
    fc.assert(
      fc.property(fc.bigInt(), fc.constantFrom('JPY', 'USD', 'KWD', 'CLF'), (amount, code) => {
        expect(toMinor(toMajor(money(amount, code)), code)).toBe(amount)
      }),
    )
  })

  test('give shares that are rounded once', () => {
    expect(percentOf(money(12550n, 'USD'), '0.07')).toEqual(money(879n, 'USD'))
    expect(percentOf(money(-12550n, 'USD'), '0.07')).toEqual(money(-879n, 'USD'))
    expect(percentOf(money(12550n, 'USD'), '0.07', 'down')).toEqual(money(878n, 'USD'))
  })

  test('print the same everywhere, and as a locale writes them for display', () => {
    expect(formatMoney(money(12550n, 'USD'))).toBe('125.50 USD')
    expect(formatMoney(money(-5n, 'KWD'))).toBe('-0.005 KWD')
    expect(formatMoney(money(-3n, 'JPY'))).toBe('-3 JPY')
    const spaced = (text: string) => text.replaceAll('\u00a0', '_')
    expect(spaced(readableMoney(money(-123456789n, 'USD')))).toBe('-1_234_567.89 USD')
    expect(spaced(readableMoney(money(1234567n, 'KWD')))).toBe('1_234.567 KWD')
    expect(spaced(readableMoney(money(-100n, 'JPY')))).toBe('-100 JPY')
    expect(spaced(readableMoney(money(1000n, 'JPY')))).toBe('1_000 JPY')
    expect(spaced(readableDecimal('1234567.1234567'))).toBe('1_234_567.1234567')
    expect(readableDecimal('5', 2)).toBe('5.00')
    expect(displayMoney(money(12550n, 'USD'), 'en-US')).toBe('$125.50')
    expect(displayMoney(money(12550n, 'EUR'), 'de-DE')).toBe('125,50\u00a0€')
    expect(displayMoney(money(9007199254740993n, 'USD'), 'en-US')).toBe('$90,071,992,547,409.93')
  })
})
