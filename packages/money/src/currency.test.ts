import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { currency, isCurrency } from './currency.ts'
import { exponents, withdrawn, withoutMinorUnit } from './currency-table.ts'
import { MoneyError } from './money-error.ts'

const published = join(process.env.CONFORMANCE_VECTORS ?? '', 'iso4217.csv')
const hasVectors = Boolean(process.env.CONFORMANCE_VECTORS) && existsSync(published)
if (!hasVectors) console.warn('CONFORMANCE_VECTORS is not set to a folder: the ISO 4217 list is skipped')

function outcome(code: string): number | string {
  try {
    return currency(code).exponent
  } catch (error) {
    return error instanceof MoneyError ? error.code : 'another error'
  }
}

describe('currencies', () => {
  test('have the exponent of ISO 4217', () => {
    expect(['JPY', 'USD', 'KWD', 'CLF'].map(outcome)).toEqual([0, 2, 3, 4])
  })

  test('are refused for a reason when they cannot hold an amount', () => {
    expect(outcome('DEM')).toBe('currency_withdrawn')
    expect(outcome('XAU')).toBe('currency_without_minor_unit')
    expect(outcome('XXX')).toBe('currency_without_minor_unit')
    for (const code of ['ABC', 'usd', '', 'USDT', '__proto__', 'constructor']) {
      expect(outcome(code)).toBe('currency_unknown')
      expect(isCurrency(code)).toBe(false)
    }
  })

  test.runIf(hasVectors)('are those of the published list, row by row', () => {
    const rows = readRows(readFileSync(published, 'utf8'))
    const inForce = new Map(rows.filter((row) => !row.withdrawal).map((row) => [row.code, row.minorUnit]))
    for (const { code, withdrawal } of rows) {
      const minorUnit = inForce.get(code)
      const expected = minorUnit === '-' ? 'currency_without_minor_unit' : Number(minorUnit)
      expect(outcome(code), `${code} ${withdrawal}`).toBe(minorUnit ? expected : 'currency_withdrawn')
    }
    expect(rows.length).toBeGreaterThan(440)
    expect(exponents.size + withdrawn.size + withoutMinorUnit.size).toBe(
      new Set(rows.map(({ code }) => code)).size,
    )
  })
})

/** Rows of the list that name a code. Names of countries may hold commas and quotes, the last four columns never do. */
function readRows(csv: string): { code: string; minorUnit: string; withdrawal: string }[] {
  return csv
    .trim()
    .split(/\r?\n/)
    .slice(1)
    .map((line) => line.split(',').slice(-4))
    .map(([code = '', , minorUnit = '', withdrawal = '']) => ({ code, minorUnit, withdrawal }))
    .filter(({ code }) => code !== '')
}
