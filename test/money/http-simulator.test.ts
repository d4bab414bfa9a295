import { errorTable, Fault } from '@tallystick/protocol'
import type { ErrorCode } from '@tallystick/protocol'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startBillingWorld } from '../../services/billing/src/billing-world.ts'
import type { BillingWorld } from '../../services/billing/src/billing-world.ts'
import { beginning } from './marketplace.ts'
import type { Api, Marketplace } from './marketplace.ts'
import { simulate, tenantOf } from './simulate.ts'

const { MONEY_HTTP_RUNS: runs = '40', MONEY_SEED: only } = process.env

let world: BillingWorld
beforeAll(async () => {
  // The machine's clock stands still, so that the jobs of the service leave the marketplaces alone.
  world = await startBillingWorld({ entropy: { now: () => new Date(beginning) } })
})
afterAll(() => world.close())

/** The procedures over HTTP, each call with an idempotency key of its own. */
function httpClient(secret: string, key: string): Api {
  let calls = 0
  const at = (path: string): unknown =>
    new Proxy(() => {}, {
      get: (_target, name) => at(path === '' ? String(name) : `${path}.${String(name)}`),
      apply: (_target, _this, [input]: unknown[]) => call(path, input, `${key}:${calls++}`),
    })
  async function call(path: string, body: unknown, idempotencyKey: string): Promise<unknown> {
    const headers = { 'idempotency-key': idempotencyKey }
    const { json } = await world.call('POST', `/trpc/billing/${path}`, { key: secret, body, headers })
    const { result, error } = json as {
      result?: { data: unknown }
      error?: { data: { problem: { code: string; detail: string } } }
    }
    if (result) return result.data
    const { code = 'internal', detail = '' } = error?.data.problem ?? {}
    throw new Fault(Object.hasOwn(errorTable, code) ? (code as ErrorCode) : 'internal', { detail })
  }
  return at('') as Api
}

test('over HTTP, with real races, no money is made or lost either', async () => {
  const seeds = only ? [Number(only)] : Array.from({ length: Number(runs) }, (_, place) => 1_000_001 + place)
  const store = world.service.store
  const failed: string[] = []
  for (const seed of seeds) {
    const secret = await world.keyOf({ tenant: tenantOf(seed) })
    const connect = ({ model }: Marketplace, key: string) => {
      for (const [license, { customer, charge }] of model.licenses) {
        const { reference = '' } = model.customers.find(({ id }) => id === customer) ?? {}
        world.rights.charges.set(license, { ...charge, buyer: reference })
      }
      return httpClient(secret, key)
    }
    try {
      await simulate(seed, [store, store], { length: 12, connect })
    } catch (error) {
      failed.push(error instanceof Error ? error.message : String(error))
    }
  }
  expect(failed.join('\n\n')).toBe('')
}, 600_000)
