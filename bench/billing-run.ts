import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openStore } from '@tallystick/storage'
import { invoices } from '../services/billing/src/invoices/collections.ts'
import type { StoredInvoice } from '../services/billing/src/invoices/find-invoice.ts'
import { dueTenant, fillMarket, openBilling } from '../services/billing/src/subscriptions/due-market.ts'
import { runBilling } from '../services/billing/src/subscriptions/run-billing.ts'
import { timed } from './measure.ts'
import type { Measures } from './measure.ts'

const afterFirstMonth = new Date('2026-03-01T00:00:00Z')
const afterSecondMonth = new Date('2026-04-02T00:00:00Z')
const batchSize = 1000
const group = 'billing run'

/**
 * How fast a run closes the months of `subscriptions` with usage, each with an invoice, its number, journal, receipts to
 * come and the next period; beside how fast storage takes in the same invoices and nothing else.
 */
export async function measureBillingRun(
  measures: Measures,
  { subscriptions }: { subscriptions: number },
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'tallystick-bench-'))
  const deps = await openBilling(`sqlite:${folder}`)
  try {
    await fillMarket(deps, { count: subscriptions })
    const first = await timed(() => runBilling(deps, { until: afterFirstMonth }))
    const made: StoredInvoice[] = []
    for await (const { version: _, ...one } of deps.store.scan(invoices.byTenant, { equals: [dueTenant] })) {
      made.push(one)
    }
    if (made.length !== subscriptions) throw new Error(`${made.length} invoices of ${subscriptions}`)
    const bare = measures.add({
      group,
      name: `the bare insert of its ${made.length} invoices, ${batchSize} at a time`,
      value: made.length / (await timed(() => insertBare(folder, made))).seconds,
      unit: 'documents/s',
    })
    const second = await timed(() => runBilling(deps, { until: afterSecondMonth }))
    for (const [name, { seconds, result }] of [
      ['with usage', first],
      ['base fee only', second],
    ] as const) {
      measures.add({
        group,
        name: `${result.invoices} subscriptions, ${name}`,
        value: result.invoices / seconds,
        unit: 'invoices/s',
        ratio: result.invoices / seconds / bare.value,
        against: 'bare insert',
        note: 'goal: 500 invoices/s',
      })
    }
  } finally {
    await deps.store.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function insertBare(folder: string, made: readonly StoredInvoice[]): Promise<void> {
  const store = await openStore(`sqlite:${folder}`, { name: 'bare-invoices', collections: [invoices] })
  for (let from = 0; from < made.length; from += batchSize) {
    await store.insertMany(invoices, made.slice(from, from + batchSize))
  }
  await store.close()
}
