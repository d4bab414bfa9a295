import { hash } from 'node:crypto'
import type { UsageEvent } from '../services/billing/src/usage/collections.ts'

export const benchTenant = 'acct_bench'
export const customersOfBench = 100
const countries = ['DE', 'FR', 'US']
const models = ['model-1', 'model-2', 'model-3', 'model-4', 'model-5']

/** What a customer is called. */
export function benchCustomer(customer: number): string {
  return `dev_${customer}`
}

/** A usage event as it is reported: one license, one item, two dimensions; `turn` spreads customers and values. */
export function sampleUsage(run: string, turn: number, at: Date) {
  return {
    event_id: `${run}-${turn}`,
    customer: benchCustomer(turn % customersOfBench),
    api_key: `key-${turn % customersOfBench}`,
    licenses: [`lic_${turn % 500}`],
    items: [`sha256:${hash('sha256', `item ${turn % 1000}`)}`],
    metric: 'tokens',
    quantity: `${turn % 1000}.5`,
    model_id: models[turn % models.length],
    purpose: 'train',
    dimensions: { country: countries[turn % countries.length] ?? 'DE', tier: 'standard' },
    occurred_at: at.toISOString(),
  }
}

/** The stored document of such an event. */
export function sampleUsageDocument(turn: number, at: Date): UsageEvent {
  const { event_id, customer, api_key, model_id = '', occurred_at, ...rest } = sampleUsage('bare', turn, at)
  return {
    ...rest,
    id: `use_${hash('sha256', event_id).slice(0, 26)}`,
    tenant: benchTenant,
    event: event_id,
    kind: 'usage',
    status: 'accepted',
    customer: `cus_${customer.padStart(26, '0')}`,
    apiKey: api_key,
    modelId: model_id,
    effective: rest.quantity,
    digest: hash('sha256', event_id, 'base64url'),
    epoch: 1,
    occurredAt: new Date(occurred_at),
    receivedAt: at,
    auditId: `aud_${hash('sha256', `a${event_id}`).slice(0, 26)}`,
  }
}
