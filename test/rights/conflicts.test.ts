import { problemOf } from '@tallystick/runtime/test-http'
import type { HttpAnswer, HttpSent } from '@tallystick/runtime/test-http'
import type { Store } from '@tallystick/storage'
import { expect, test } from 'vitest'
import { startBillingWorld } from '../../services/billing/src/billing-world.ts'
import { startIdentityWorld } from '../../services/identity/src/identity-world.ts'
import { startLicensingWorld } from '../../services/licensing/src/licensing-world.ts'
import { compete } from './compete.ts'

const because = { reason: 'because' }

/** A service with one marketplace, whose operator asks by POST; GET without a body. */
interface Asked {
  store: Store
  ask(path: string, body?: object, idempotencyKey?: string): Promise<HttpAnswer>
  close(): Promise<void>
}

/** A change of an object, and where the object is read. */
interface Change {
  path: string
  body: object
  of: string
}

type Post = (method: string, path: string, sent: HttpSent) => Promise<HttpAnswer>

function worldOf(post: Post, key: string, { store, close }: Pick<Asked, 'store' | 'close'>): Asked {
  return {
    store,
    close,
    ask: (path, body, idempotencyKey = crypto.randomUUID()) =>
      body === undefined
        ? post('GET', path, { key })
        : post('POST', path, { key, body, headers: { 'idempotency-key': idempotencyKey } }),
  }
}

async function identity(): Promise<Asked> {
  const world = await startIdentityWorld()
  const { store } = world.service
  return worldOf((_, path, sent) => world.call(path, sent), world.key, { store, close: world.close })
}

async function licensing(): Promise<Asked> {
  const world = await startLicensingWorld()
  const key = await world.keyOf({ tenant: 'acct_market' })
  return worldOf(world.call, key, { store: world.service.store, close: world.close })
}

async function billing(): Promise<Asked> {
  const world = await startBillingWorld()
  const key = await world.keyOf({ tenant: 'acct_market' })
  return worldOf(world.call, key, { store: world.service.store, close: world.close })
}

async function make({ ask }: Asked, path: string, body: object = {}): Promise<string> {
  const { json, status, text } = await ask(path, body)
  const id: unknown = typeof json === 'object' && json !== null ? Reflect.get(json, 'id') : undefined
  if (status >= 300 || typeof id !== 'string') throw new Error(`${path}: ${status} ${text}`)
  return id
}

async function changesOfIdentity(world: Asked): Promise<Change[]> {
  const account = async () =>
    `/v1/accounts/${await make(world, '/v1/accounts', { role: 'developer', name: 'x' })}`
  const [renamed, stopped] = [await account(), await account()]
  return [
    { of: renamed, path: renamed, body: { name: 'y' } },
    { of: stopped, path: `${stopped}/suspend`, body: because },
  ]
}

async function changesOfLicensing(world: Asked): Promise<Change[]> {
  const sample = {
    creator_id: 'cr_123',
    buyer_id: 'dev_456',
    items: ['dataset_789'],
    pricing: { model: 'royalty', rate: 0.05 },
    terms: { duration_days: 365 },
  }
  const license = async (more: object = {}) =>
    `/v1/licenses/${await make(world, '/v1/licenses', { ...sample, ...more })}`
  const [draft, offered, ended] = [await license({ draft: true }), await license(), await license()]
  return [
    { of: draft, path: draft, body: { items: ['dataset_790'] } },
    { of: offered, path: `${offered}/accept`, body: {} },
    { of: ended, path: `${ended}/terminate`, body: because },
  ]
}

async function changesOfBilling(world: Asked): Promise<Change[]> {
  const customer = await make(world, '/v1/customers', { reference: 'dev_456' })
  const lines = [{ description: 'Work', amount: 500 }]
  const draft = async () => `/v1/invoices/${await make(world, '/v1/invoices', { customer, lines })}`
  const [changed, finalized] = [await draft(), await draft()]
  const definition = { model: 'flat', currency: 'USD', amount: 100 }
  const price = await make(world, '/v1/prices', { name: 'Access', definition })
  const subscription = { customer, items: [{ price }], trial_days: 0 }
  const paused = `/v1/subscriptions/${await make(world, '/v1/subscriptions', subscription)}`
  return [
    { of: changed, path: changed, body: { footer: 'x' } },
    { of: finalized, path: `${finalized}/finalize`, body: {} },
    { of: paused, path: `${paused}/pause`, body: {} },
  ]
}

test.each([
  { name: 'identity', start: identity, changesOf: changesOfIdentity },
  { name: 'licensing', start: licensing, changesOf: changesOfLicensing },
  { name: 'billing', start: billing, changesOf: changesOfBilling },
])(
  '$name gives up a change that others are always quicker than, changes nothing, and makes it when asked again',
  async ({ start, changesOf }) => {
    const world = await start()
    try {
      const changes = (await changesOf(world)).map((change) => ({ ...change, key: crypto.randomUUID() }))
      const told = () => Promise.all(changes.map(async ({ of }) => (await world.ask(of)).text))
      const asked = () => Promise.all(changes.map(({ path, body, key }) => world.ask(path, body, key)))
      const before = await told()
      const stop = compete(world.store)
      const refused = await asked()
      stop()
      expect(refused.map((answer) => problemOf(answer).code)).toEqual(changes.map(() => 'conflict'))
      expect(refused.map(({ status }) => status)).toEqual(changes.map(() => 409))
      expect(await told()).toEqual(before)
      // A conflict is no answer that a key keeps.
      const made = await asked()
      expect(made.map(({ status, text }) => (status < 300 ? 'made' : text))).toEqual(
        changes.map(() => 'made'),
      )
      for (const [place, text] of (await told()).entries()) expect(text).not.toBe(before[place])
    } finally {
      await world.close()
    }
  },
)
