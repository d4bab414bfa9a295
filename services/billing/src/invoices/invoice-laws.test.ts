import * as fc from 'fast-check'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { z } from 'zod'
import { startBillingWorld } from '../billing-world.ts'
import type { BillingWorld } from '../billing-world.ts'
import { readTaxTable } from '../config.ts'
import { checkBooks } from './check-books.ts'
import type { invoiceView } from './invoice-schemas.ts'

const rates = [
  { country: 'DE', taxes: [{ name: 'VAT', rate: '0.19', codes: { books: '0.07' } }], reverse_charge: true },
  {
    country: 'US',
    region: 'NY',
    taxes: [
      { name: 'State tax', rate: '0.04', codes: { books: '0' } },
      { name: 'City tax', jurisdiction: 'New York', rate: '0.045' },
      { name: 'Surcharge', rate: '0.00375' },
    ],
  },
  { country: 'CA', taxes: ['0.05', '0.09975'].map((rate) => ({ name: `Tax of ${rate}`, rate })) },
]

type InvoiceView = z.infer<typeof invoiceView>

let folder: string
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'taxes-'))))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const line = fc.record({
  description: fc.constant('x'),
  amount: fc.integer({ min: -3000, max: 9000 }),
  tax_code: fc.constantFrom('books', 'other'),
})
const deed = fc.oneof(
  fc.record({ kind: fc.constant('invoice' as const), lines: fc.array(line, { minLength: 1, maxLength: 4 }) }),
  fc.record({ kind: fc.constant('grant' as const), amount: fc.integer({ min: 1, max: 5000 }) }),
  fc.record({
    kind: fc.constantFrom('finalize', 'void', 'mark-uncollectible', 'pay'),
    which: fc.nat({ max: 20 }),
  }),
  fc.record({
    kind: fc.constant('credit-notes' as const),
    which: fc.nat({ max: 20 }),
    amount: fc.integer({ min: 1, max: 9000 }),
    rest: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant('part' as const),
    which: fc.nat({ max: 20 }),
    amount: fc.integer({ min: 1, max: 4000 }),
  }),
)
const buyer = fc.record({
  country: fc.constantFrom('DE', 'US', 'CA', 'JP'),
  region: fc.constantFrom('NY', 'NY/Manhattan', 'QC'),
  tax_treatment: fc.constantFrom('taxable', 'reverse_charge', 'exempt'),
  payment_method: fc.constantFrom('4242 4242 4242 4242', '4000 0000 0000 0002', '4000 0000 0000 0127'),
})
type Deed = typeof deed extends fc.Arbitrary<infer T> ? T : never

/** Does the deeds, some of them at once, and gives what is wrong in the books then. */
async function live(world: BillingWorld, tenant: string, about: object, rounds: readonly Deed[][]) {
  const key = await world.keyOf({ tenant })
  const made = await world.post('/v1/customers', key, { reference: 'one', tax_id: 'DE1', ...about })
  const { id: customer } = made.json as { id: string }
  const ids: string[] = []
  for (const round of rounds) {
    const answers = await Promise.all(
      round.map(async (one) => {
        if (one.kind === 'grant') {
          return world.post('/v1/credit-grants', key, { customer, amount: one.amount })
        }
        if ('lines' in one) {
          const drafted = await world.post('/v1/invoices', key, { customer, lines: one.lines })
          const { id } = drafted.json as { id: string }
          ids.push(id)
          return world.post(`/v1/invoices/${id}/finalize`, key, {})
        }
        const id = ids[one.which % Math.max(1, ids.length)]
        if (id === undefined) return undefined
        if (one.kind === 'part') {
          const body = { customer, invoice: id, amount: one.amount }
          const held = await world.post('/v1/payments/authorize', key, body)
          if (held.status !== 201) return held
          return world.post('/v1/payments/capture', key, { payment: (held.json as { id: string }).id })
        }
        if (one.kind !== 'credit-notes') return world.post(`/v1/invoices/${id}/${one.kind}`, key, {})
        const { json } = await world.call('GET', `/v1/invoices/${id}`, { key })
        const { total, amount_credited: credited } = json as InvoiceView
        const amount = one.rest ? Math.max(1, total.amount - credited.amount) : one.amount
        return world.post(`/v1/invoices/${id}/credit-notes`, key, { amount, reason: 'x' })
      }),
    )
    // Refusals are expected here; failures of the service are not.
    for (const answer of answers) expect(answer?.status ?? 200, answer?.text).toBeLessThan(500)
    expect(await checkBooks(world.service.deps, tenant)).toEqual([])
  }
}

for (const [inclusive, rounding] of [
  [false, 'line'],
  [true, 'invoice'],
] as const) {
  it(`books are right after any deeds, also at once, with taxes ${inclusive ? 'in' : 'on top of'} prices`, async () => {
    const file = join(folder, `${rounding}.json`)
    writeFileSync(file, JSON.stringify({ inclusive, rounding, rates }))
    const world = await startBillingWorld({ env: { TAX_FILE: file } })
    try {
      let run = 0
      await fc.assert(
        fc.asyncProperty(
          buyer,
          fc.array(fc.array(deed, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 8 }),
          fc.array(line, { minLength: 1, maxLength: 4 }),
          (about, rounds, lines) =>
            live(world, `acct_law${run++}`, about, [[{ kind: 'invoice', lines }], ...rounds]),
        ),
        { numRuns: 25 },
      )
    } finally {
      await world.close()
    }
  }, 120_000)
}

it('a file of taxes that is none keeps the service from starting', () => {
  const file = join(folder, 'bad.json')
  writeFileSync(file, '{"rates":[{"country":"DE","rate":19}]}')
  expect(() => readTaxTable(file)).toThrow('docs/billing.md')
})
