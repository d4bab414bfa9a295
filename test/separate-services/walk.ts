import { account, decision, newApiKey } from '@tallystick/protocol'
import { readAnswer } from '@tallystick/runtime/test-http'
import { z } from 'zod'
import type { SeparateWorld } from './separate-world.ts'

/** What the walk leaves behind. */
export interface Walked {
  developer: string
  developerKey: string
  item: string
  license: string
  /** The audit ids of what was done, by its kind. */
  audits: Readonly<Record<string, string>>
}

// Items and meters have no audit id of their own.
const made = z.looseObject({ id: z.string(), audit_id: z.string().default('') })

/** POSTs as the marketplace's operator and gives what was made. */
export async function make(world: SeparateWorld, path: string, body: object, status = 201) {
  return readAnswer(made, await world.call('POST', path, { key: world.operatorKey, body }), status)
}

/** A key of an account, made by the operator. */
export async function makeKey(world: SeparateWorld, of: string | undefined, scopes: string[]) {
  const body = { name: 'of a test', scopes, ...(of !== undefined && { account: of }) }
  const sent = { key: world.operatorKey, body }
  const { id, secret = '' } = readAnswer(newApiKey, await world.call('POST', '/v1/api-keys', sent), 201)
  return { id, secret }
}

/** Operator → developer with a key → item, consent, license → decision by the developer. */
export async function walkToDecision(world: SeparateWorld): Promise<Walked> {
  const { operatorKey } = world
  const newAccount = { role: 'developer', name: 'Model Builders', external_id: 'dev_456' }
  const sent = { key: operatorKey, body: newAccount }
  const developer = readAnswer(account, await world.call('POST', '/v1/accounts', sent), 201)
  const scopes = [
    'licenses:read',
    'decisions:write',
    'usage:write',
    'usage:read',
    'billing:read',
    'audit:read',
  ]
  const { secret: developerKey } = await makeKey(world, developer.id, scopes)
  const item = await register(world, 'a1')
  const consented = { subject: 'cr_123', purposes: ['train'], items: [item] }
  const consent = await make(world, '/v1/consents', consented)
  const license = await make(world, '/v1/licenses', {
    creator_id: 'cr_123',
    buyer_id: 'dev_456',
    items: [item],
    pricing: { model: 'royalty', rate: 0.05 },
    terms: { duration_days: 365 },
  })
  const agreed = await make(world, `/v1/licenses/${license.id}/accept`, { reason: 'agreed' }, 200)
  // The developer's key tells an account, the license a reference: licensing asks identity that they are one.
  const body = { items: [item], purpose: 'train' }
  const answer = await world.call('POST', '/v1/decisions', { key: developerKey, body })
  const decided = readAnswer(decision, answer)
  if (decided.decision !== 'permit') throw new Error(answer.text)
  return {
    developer: developer.id,
    developerKey,
    item,
    license: license.id,
    audits: {
      'consent.granted': consent.audit_id,
      'license.created': license.audit_id,
      'license.accepted': agreed.audit_id,
      'decision.made': decided.audit_id,
    },
  }
}

const subscribed = z.looseObject({ customer: z.string(), id: z.string() })
const goodCard = '4242 4242 4242 4242'

/** A customer with a subscription and a test clock that shows now. */
export async function subscribe(
  world: SeparateWorld,
  reference: string,
  { card = goodCard, definition, meter }: { card?: string; definition: object; meter?: string },
): Promise<{ customer: string; clock: string; price: string }> {
  const { id: test_clock } = await make(world, '/v1/test-clocks', { name: reference, now: moment(0) })
  const { id: customer } = await make(world, '/v1/customers', { reference, test_clock, payment_method: card })
  const { id: price } = await make(world, '/v1/prices', {
    name: 'Access',
    definition,
    ...(meter && { meter }),
  })
  const { id: plan } = await make(world, '/v1/plans', { name: 'Access', prices: [price] })
  const body = { customer, plan }
  const answer = await world.call('POST', '/v1/subscriptions', { key: world.operatorKey, body })
  readAnswer(subscribed, answer, 201)
  return { customer, clock: test_clock, price }
}

/** Registers an item and gives its hash. */
export async function register(world: SeparateWorld, digits: string): Promise<string> {
  const hash = `sha256:${digits.repeat(64 / digits.length)}`
  await make(world, '/v1/items', { hash, creators: ['cr_123'] })
  return hash
}

/** The time so many days from now, as it is written. */
export function moment(days: number): string {
  return new Date(Date.now() + days * 86_400_000).toISOString()
}

const invoiceList = z.object({
  data: z.array(
    z.looseObject({
      id: z.string(),
      number: z.string().optional(),
      status: z.string(),
      total: z.object({ amount: z.number() }),
      audit_id: z.string().optional(),
    }),
  ),
})

/** A customer's invoices, newest first. */
export async function invoicesOf(world: SeparateWorld, customer: string) {
  const answer = await world.call('GET', `/v1/invoices?customer=${customer}`, { key: world.operatorKey })
  return readAnswer(invoiceList, answer).data
}
