import { join } from 'node:path'
import { billingCollections } from '@tallystick/billing'
import { systemEntropy } from '@tallystick/runtime'
import { insert, openStore } from '@tallystick/storage'
import { stripeMeterEvents } from '../../services/billing/src/stripe/collections.ts'
import type { MeterEvent } from '../../services/billing/src/stripe/collections.ts'

/** Puts a meter event of Stripe, which nobody works on, into billing's test database beside the running server. */
export async function putMeterEvent(
  dataDirectory: string,
  tenant: string,
  status: MeterEvent['status'],
): Promise<string> {
  const store = await openStore(`sqlite:${join(dataDirectory, 'db')}`, {
    name: 'billing-test',
    collections: billingCollections,
  })
  try {
    const { now, newId } = systemEntropy()
    const id = newId('meterEvent')
    const event = { meter: newId('meter'), event: newId('usage'), customer: newId('customer'), value: '7' }
    const atStripe = {
      stripeCustomer: 'cus_1',
      eventName: 'tokens',
      occurredAt: now(),
      round: 0,
      attempts: 1,
    }
    await store.commit([
      insert(stripeMeterEvents, { id, tenant, ...event, ...atStripe, status, createdAt: now() }),
    ])
    return id
  } finally {
    await store.close()
  }
}
