import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { TaxSituation } from './tax-calculator.ts'
import { tableTaxes, taxTable } from './tax-table.ts'

const vat = { country: 'DE', name: 'VAT', rate: '0.19', codes: { books: '0.07', exports: '0' } }
const at = new Date('2026-06-01T00:00:00Z')
const taxable: TaxSituation = {
  currency: 'EUR',
  country: 'DE',
  treatment: 'taxable',
  taxId: undefined,
  at,
}
const line = (amount: bigint, taxCode?: string) => ({ id: `l${amount}`, amount, taxCode })
const taxesOf = (
  table: object,
  lines: readonly ReturnType<typeof line>[],
  situation: Partial<TaxSituation> = {},
) => tableTaxes(taxTable.parse(table)).calculate(lines, { ...taxable, ...situation })

describe('a tax table', () => {
  it('adds the tax of the customer’s country, and none without a row for it', () => {
    expect(taxesOf({ rates: [vat] }, [line(1000n)])).toEqual([
      { name: 'VAT', jurisdiction: 'DE', rate: '0.19', inclusive: false, base: 1000n, amount: 190n },
    ])
    expect(taxesOf({ rates: [vat] }, [line(1000n)], { country: 'US' })).toEqual([])
    expect(taxesOf({ rates: [vat] }, [line(1000n)], { country: undefined })).toEqual([])
    expect(taxesOf({}, [line(1000n)])).toEqual([])
  })

  it('finds an included tax within the price', () => {
    expect(taxesOf({ inclusive: true, rates: [vat] }, [line(1190n)])).toMatchObject([
      { inclusive: true, base: 1000n, amount: 190n },
    ])
  })

  it('has a rate for each tax code, told apart, and zero is a rate', () => {
    const lines = [line(1000n), line(2000n, 'books'), line(3000n, 'exports'), line(100n, 'unknown')]
    expect(taxesOf({ rates: [vat] }, lines)).toMatchObject([
      { rate: '0.19', base: 1100n, amount: 209n },
      { rate: '0.07', base: 2000n, amount: 140n },
      { rate: '0', base: 3000n, amount: 0n },
    ])
    expect(taxesOf({ rates: [vat] }, [line(1000n, 'constructor')])).toMatchObject([{ rate: '0.19' }])
  })

  it('rounds for each line, or once for each rate of the invoice', () => {
    // 19% of 3 is 0.57: three lines round up to 1 each, their sum of 1.71 to 2.
    const lines = [line(3n), line(3n), line(3n), line(8n, 'books'), line(8n, 'books')]
    const amounts = (rounding: string) =>
      taxesOf({ rounding, rates: [vat] }, lines).map(({ amount }) => amount)
    expect(amounts('line')).toEqual([3n, 2n])
    expect(amounts('invoice')).toEqual([2n, 1n])
  })

  it('rounds rates together that are written differently', () => {
    const rates = [{ ...vat, codes: { same: '0.190' } }]
    expect(taxesOf({ rounding: 'invoice', rates }, [line(3n), line(3n, 'same')])).toMatchObject([
      { rate: '0.19', base: 6n, amount: 1n },
    ])
  })

  it('takes tax back with negative lines, half away from zero like what it gave', () => {
    expect(taxesOf({ rates: [vat] }, [line(-50n)])).toMatchObject([{ base: -50n, amount: -10n }])
    expect(taxesOf({ rates: [vat] }, [line(50n)])).toMatchObject([{ base: 50n, amount: 10n }])
    expect(taxesOf({ rates: [vat] }, [line(1000n), line(-1000n)])).toMatchObject([{ base: 0n, amount: 0n }])
  })

  it('leaves the tax to a business with a tax id where the row says so, with the note on one line', () => {
    const rates = [{ ...vat, reverse_charge: true }]
    const business = { treatment: 'reverse_charge' as const, taxId: 'DE123' }
    expect(taxesOf({ rates }, [line(1000n), line(500n, 'books')], business)).toEqual([
      {
        name: 'VAT',
        jurisdiction: 'DE',
        rate: '0',
        inclusive: false,
        base: 1500n,
        amount: 0n,
        note: 'Reverse charge: the recipient owes the tax',
      },
    ])
    expect(taxesOf({ rates }, [line(1000n)], { ...business, taxId: undefined })).toMatchObject([
      { amount: 190n },
    ])
    expect(taxesOf({ rates: [vat] }, [line(1000n)], business)).toMatchObject([{ amount: 190n }])
    expect(taxesOf({ rates }, [line(1000n)], { taxId: 'DE123' })).toMatchObject([{ amount: 190n }])
  })

  it('taxes nobody who is exempt', () => {
    expect(taxesOf({ rates: [vat] }, [line(1000n)], { treatment: 'exempt' })).toEqual([])
  })

  it('changes a rate at the stroke of its date', () => {
    const turn = '2026-07-01T00:00:00Z'
    const rates = [
      { ...vat, before: turn },
      { ...vat, rate: '0.16', from: turn },
    ]
    const rateAt = (moment: string) => taxesOf({ rates }, [line(1000n)], { at: new Date(moment) })[0]?.rate
    expect(rateAt('2026-06-30T23:59:59.999Z')).toBe('0.19')
    expect(rateAt(turn)).toBe('0.16')
  })

  it('is refused where a rate is none', () => {
    for (const rate of ['19', '1', '-0.1', '.19', '0.19%', '']) {
      expect(taxTable.safeParse({ rates: [{ ...vat, rate }] }).success, rate).toBe(false)
    }
    expect(taxTable.safeParse({ rates: [vat], surprise: 1 }).success).toBe(false)
  })
})

describe('whatever the lines', () => {
  const amount = fc.bigInt({ min: -(10n ** 12n), max: 10n ** 12n })
  const lines = fc.array(
    fc
      .record({ amount, code: fc.constantFrom(undefined, 'books', 'exports') })
      .map(({ amount: of, code }) => line(of, code)),
    { minLength: 1, maxLength: 20 },
  )
  const settings = fc.record({
    inclusive: fc.boolean(),
    rounding: fc.constantFrom('line', 'invoice'),
    rate: fc.integer({ min: 0, max: 999_999 }).map((part) => `0.${String(part).padStart(6, '0')}`),
  })

  it('the bases and the included taxes are the lines; what is taken back is what was taken', () => {
    fc.assert(
      fc.property(lines, settings, (all, { rate, ...table }) => {
        const rates = [{ ...vat, rate }]
        const taxes = taxesOf({ ...table, rates }, all)
        const gross = all.reduce((sum, { amount: of }) => sum + of, 0n)
        const told = taxes.reduce((sum, tax) => sum + tax.base + (tax.inclusive ? tax.amount : 0n), 0n)
        expect(told).toBe(gross)
        const back = taxesOf(
          { ...table, rates },
          all.map((one) => ({ ...one, amount: -one.amount })),
        )
        expect(back.map((tax) => -tax.amount)).toEqual(taxes.map((tax) => tax.amount))
      }),
    )
  })

  it('an exclusive tax is less than half a unit from the exact one, for each rounding', () => {
    fc.assert(
      fc.property(lines, settings, (all, { rounding, rate }) => {
        for (const tax of taxesOf({ rounding, rates: [{ ...vat, rate, codes: {} }] }, all)) {
          const millionths = BigInt(rate.slice(2))
          const off = tax.amount * 1_000_000n - tax.base * millionths
          const most = 500_000n * BigInt(rounding === 'line' ? all.length : 1)
          expect(off <= most && off >= -most).toBe(true)
        }
      }),
    )
  })
})
