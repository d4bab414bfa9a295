import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { TaxSituation } from './tax-calculator.ts'
import { tableTaxes, taxTable } from './tax-table.ts'

const general = { name: 'VAT', rate: '0.19', codes: { books: '0.07', exports: '0' } }
const vat = { country: 'DE', taxes: [general] }
const at = new Date('2026-06-01T00:00:00Z')
const taxable: TaxSituation = {
  currency: 'EUR',
  country: 'DE',
  region: undefined,
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
      {
        name: 'VAT',
        jurisdiction: 'DE',
        rate: '0.19',
        inclusive: false,
        base: 1000n,
        amount: 190n,
        lines: [{ line: 'l1000', base: 1000n, amount: 190n }],
      },
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
    const rates = [{ country: 'DE', taxes: [{ ...general, codes: { same: '0.190' } }] }]
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
        lines: [
          { line: 'l1000', base: 1000n, amount: 0n },
          { line: 'l500', base: 500n, amount: 0n },
        ],
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
      { country: 'DE', taxes: [{ ...general, rate: '0.16' }], from: turn },
    ]
    const rateAt = (moment: string) => taxesOf({ rates }, [line(1000n)], { at: new Date(moment) })[0]?.rate
    expect(rateAt('2026-06-30T23:59:59.999Z')).toBe('0.19')
    expect(rateAt(turn)).toBe('0.16')
  })

  it('is refused where a rate is none', () => {
    for (const rate of ['19', '1', '-0.1', '.19', '0.19%', '']) {
      const taxes = [{ name: 'VAT', rate }]
      expect(taxTable.safeParse({ rates: [{ country: 'DE', taxes }] }).success, rate).toBe(false)
    }
    const taxes = [{ name: 'QST', rate: '0.09975', compound: true }]
    const compound = taxTable.safeParse({ rates: [{ country: 'CA', taxes }] })
    expect(compound.error?.issues[0]?.message).toContain('a tax on a tax is not supported')
    expect(taxTable.safeParse({ rates: [vat], surprise: 1 }).success).toBe(false)
  })
})

describe('several taxes', () => {
  const gst = { name: 'GST', rate: '0.05' }
  const qst = { name: 'QST', jurisdiction: 'CA-QC', rate: '0.09975', codes: { books: '0' } }
  const rates = [
    { country: 'CA', region: 'QC', taxes: [gst, qst] },
    { country: 'CA', region: 'ON', taxes: [{ name: 'HST', rate: '0.13' }] },
    { country: 'CA', taxes: [gst] },
    {
      country: 'US',
      region: 'CA/Alameda',
      taxes: [{ name: 'State' }, { name: 'County' }].map((one) => ({ ...one, rate: '0.06' })),
    },
    { country: 'US', region: 'CA', taxes: [{ name: 'State', rate: '0.06' }] },
  ]
  const names = (country: string, region?: string) =>
    taxesOf({ rates }, [line(1000n)], { country, region }).map(({ name }) => name)

  it('of a place are those of the first row that holds there or around it', () => {
    expect(names('CA', 'QC')).toEqual(['GST', 'QST'])
    expect(names('CA', 'QC/Montréal')).toEqual(['GST', 'QST'])
    expect(names('CA', 'ON')).toEqual(['HST'])
    expect(names('CA', 'AB')).toEqual(['GST'])
    expect(names('CA')).toEqual(['GST'])
    expect(names('US', 'CA/Alameda')).toEqual(['State', 'County'])
    expect(names('US', 'CA/Alameda/Oakland')).toEqual(['State', 'County'])
    expect(names('US', 'CA/Alamedas')).toEqual(['State'])
    expect(names('US', 'OR')).toEqual([])
  })

  it('lie on the price side by side, or share one that includes them', () => {
    const quebec = { country: 'CA', region: 'QC' }
    const lines = [line(10_000n), line(2_000n, 'books')]
    expect(taxesOf({ rates }, lines, quebec)).toMatchObject([
      { name: 'GST', jurisdiction: 'CA', rate: '0.05', base: 12_000n, amount: 600n },
      { name: 'QST', jurisdiction: 'CA-QC', rate: '0.09975', base: 10_000n, amount: 998n },
      { name: 'QST', rate: '0', base: 2_000n, amount: 0n },
    ])
    const within = [line(114_975n), line(105_000n, 'books')]
    expect(taxesOf({ inclusive: true, rates }, within, quebec)).toMatchObject([
      { name: 'GST', base: 200_000n, amount: 10_000n },
      { name: 'QST', rate: '0.09975', base: 100_000n, amount: 9_975n },
      { name: 'QST', rate: '0', base: 100_000n, amount: 0n },
    ])
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
    taxes: fc.array(
      fc.record({
        name: fc.constantFrom('GST', 'QST', 'Levy'),
        rate: fc.integer({ min: 0, max: 999_999 }).map((part) => `0.${String(part).padStart(6, '0')}`),
        codes: fc.constantFrom({}, { books: '0.07' }, { exports: '0' }),
      }),
      { maxLength: 4 },
    ),
  })

  it('each line is its base and the taxes within it, each tax the sum of its lines, what is taken back what was taken', () => {
    fc.assert(
      fc.property(lines, settings, (all, { taxes: borne, ...table }) => {
        const rates = [{ country: 'DE', taxes: borne }]
        // Lines are told apart by their ids.
        const told = all.map((one, place) => ({ ...one, id: `l${place}` }))
        const taxes = taxesOf({ ...table, rates }, told)
        for (const { base, amount: of, lines: parts } of taxes) {
          expect(parts.reduce((sum, part) => sum + part.base, 0n)).toBe(base)
          expect(parts.reduce((sum, part) => sum + part.amount, 0n)).toBe(of)
        }
        for (const { id, amount: of } of told) {
          const own = taxes.flatMap((tax) => tax.lines.filter((part) => part.line === id))
          expect(own).toHaveLength(borne.length)
          const within = table.inclusive ? own.reduce((sum, part) => sum + part.amount, 0n) : 0n
          for (const part of own) expect(part.base + within).toBe(of)
        }
        const back = taxesOf(
          { ...table, rates },
          told.map((one) => ({ ...one, amount: -one.amount })),
        )
        expect(back.map((tax) => -tax.amount)).toEqual(taxes.map((tax) => tax.amount))
      }),
    )
  })

  it('an exclusive tax is less than half a unit from the exact one, for each rounding; on a line, than one', () => {
    fc.assert(
      fc.property(lines, settings, (all, { rounding, taxes: borne }) => {
        const rates = [{ country: 'DE', taxes: borne }]
        for (const tax of taxesOf({ rounding, rates }, all)) {
          const millionths = BigInt((tax.rate.split('.')[1] ?? '').padEnd(6, '0'))
          const offBy = (part: { base: bigint; amount: bigint }) => {
            const off = part.amount * 1_000_000n - part.base * millionths
            return off < 0n ? -off : off
          }
          const roundings = BigInt(rounding === 'line' ? tax.lines.length : 1)
          expect(offBy(tax) <= 500_000n * roundings).toBe(true)
          const onLine = rounding === 'line' ? 500_000n : 1_000_000n
          expect(tax.lines.every((part) => offBy(part) <= onLine)).toBe(true)
        }
      }),
    )
  })
})
