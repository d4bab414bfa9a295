import type { HttpAnswer } from '@tallystick/runtime/test-http'
import type { Holdings } from './furnish.ts'
import { missingId } from './requests.ts'
import type { Market, RightsWorld } from './rights-world.ts'

/** A request that must be refused, made after what leads to it. */
interface Refused {
  /** For the path. */
  id?: string
  body?: object
  key?: string
}

const hashOf = (digit: string) => `sha256:${digit.repeat(64)}`
const missing = { template: missingId('tmpl'), variables: {} }
const because = { reason: 'because' }
const sample = {
  creator_id: 'cr_123',
  buyer_id: 'dev_456',
  items: ['dataset_789'],
  pricing: { model: 'royalty', rate: 0.05 },
  terms: { duration_days: 365 },
}

/** For each operation and each refusal that depends on the state of things: how that comes about. */
export function stateRefusals(given: { world: RightsWorld; market: Market; holdings: Holdings }) {
  const { world, market } = given
  const post = (path: string, body: object = {}) => world.call('POST', path, { key: market.key, body })
  const license = async (more: object = {}) => idOf(await post('/v1/licenses', { ...sample, ...more }))
  const moved = async (id: string, action: string) => {
    idOf(await post(`/v1/licenses/${id}/${action}`, action === 'accept' || action === 'offer' ? {} : because))
    return id
  }
  const draft = () => license({ draft: true })
  const ended = async () => moved(await license(), 'terminate')
  const account = async (more: object = {}) =>
    idOf(await post('/v1/accounts', { role: 'developer', name: 'x', ...more }))
  const suspended = async () => {
    const id = await account()
    idOf(await post(`/v1/accounts/${id}/suspend`, because))
    return id
  }
  const key = async () => idOf(await post('/v1/api-keys', { name: 'x', scopes: ['usage:read'] }))
  const offer = async (more: object = {}) => {
    const { buyer_id: _, ...rest } = sample
    return idOf(await post('/v1/offers', { ...rest, ...more }))
  }
  const keyOf = async (holder: string, scope: string) =>
    field(await post('/v1/api-keys', { name: 'x', scopes: [scope], account: holder }), 'secret')
  const withdrawn = async () => {
    const id = await offer()
    idOf(await post(`/v1/offers/${id}/withdraw`))
    return id
  }
  const exclusive = async (items: string[], buyer_id = 'dev_456') =>
    license({ buyer_id, items, terms: { exclusive: true, duration_days: 30 } })
  const item = async (digit: string) => {
    idOf(await post('/v1/items', { hash: hashOf(digit), creators: ['cr_123'] }))
    return hashOf(digit)
  }

  const refusals: Record<string, Record<string, () => Promise<Refused>>> = {
    'identity.accounts.create': {
      already_exists: async () => {
        await account({ external_id: 'taken' })
        return { body: { role: 'developer', name: 'y', external_id: 'taken' } }
      },
    },
    'identity.accounts.update': {
      already_exists: async () => {
        await account({ external_id: 'taken_too' })
        return { id: await account(), body: { external_id: 'taken_too' } }
      },
    },
    'identity.accounts.suspend': { invalid_state: async () => ({ id: await suspended(), body: because }) },
    'identity.accounts.reactivate': { invalid_state: async () => ({ id: await account(), body: because }) },
    'identity.apiKeys.create': {
      reference_not_found: async () => ({
        body: { name: 'x', scopes: ['usage:read'], account: missingId('acct') },
      }),
      invalid_state: async () => ({
        body: { name: 'x', scopes: ['usage:read'], account: await suspended() },
      }),
    },
    'identity.apiKeys.rotate': {
      invalid_state: async () => {
        const id = await key()
        idOf(await post(`/v1/api-keys/${id}/revoke`))
        return { id, body: {} }
      },
    },
    'licensing.licenses.create': {
      reference_not_found: async () => ({ body: { buyer_id: 'dev_456', offer: missingId('offer') } }),
      invalid_state: async () => ({ body: { buyer_id: 'dev_456', offer: await withdrawn() } }),
      exclusivity_conflict: async () => {
        const items = [await item('1')]
        const open = await offer({ items, terms: { exclusive: true, duration_days: 30 } })
        await moved(await exclusive(items), 'accept')
        const holder = await account({ external_id: 'dev_late' })
        // Accepted at once, as it is the buyer itself who asks.
        return { key: await keyOf(holder, 'licenses:write'), body: { buyer_id: 'dev_late', offer: open } }
      },
    },
    'licensing.licenses.update': {
      invalid_state: async () => ({ id: await license(), body: { terms: { duration_days: 30 } } }),
      reference_not_found: async () => ({ id: await draft(), body: { legal_text: missing } }),
    },
    'licensing.licenses.offer': { invalid_state: async () => ({ id: await license(), body: {} }) },
    'licensing.licenses.accept': {
      invalid_state: async () => ({ id: await draft(), body: {} }),
      exclusivity_conflict: async () => {
        const items = [await item('2')]
        const later = await exclusive(items, 'dev_later')
        await moved(await exclusive(items), 'accept')
        return { id: later, body: {} }
      },
    },
    'licensing.licenses.revoke': { invalid_state: async () => ({ id: await ended(), body: because }) },
    'licensing.licenses.terminate': { invalid_state: async () => ({ id: await ended(), body: because }) },
    'licensing.licenses.amend': {
      invalid_state: async () => ({ id: await draft(), body: because }),
      reference_not_found: async () => ({
        id: await moved(await license(), 'accept'),
        body: { ...because, legal_text: missing },
      }),
    },
    'licensing.licenses.text': { not_found: async () => ({ id: await license() }) },
    'licensing.offers.create': {
      reference_not_found: async () => {
        const { buyer_id: _, ...rest } = sample
        return { body: { ...rest, legal_text: missing } }
      },
    },
    'licensing.offers.withdraw': { invalid_state: async () => ({ id: await withdrawn(), body: {} }) },
    'licensing.datasets.create': {
      already_exists: async () => {
        await post('/v1/datasets', { name: 'x', reference: 'taken', creators: ['cr_123'] })
        return { body: { name: 'y', reference: 'taken', creators: ['cr_123'] } }
      },
    },
    'licensing.items.register': {
      already_exists: async () => ({ body: { hash: await item('3'), creators: ['cr_other'] } }),
      reference_not_found: async () => ({
        body: { hash: hashOf('4'), creators: ['cr_123'], dataset: missingId('ds') },
      }),
    },
    'licensing.consents.grant': {
      reference_not_found: async () => ({
        body: { subject: 'cr_123', purposes: ['train'], items: [hashOf('5')] },
      }),
    },
    'licensing.decisions.create': {
      not_found: async () => {
        const holder = await account({ external_id: 'dev_asks' })
        const body = { actor: 'dev_another', items: [hashOf('6')], purpose: 'train' }
        return { key: await keyOf(holder, 'decisions:write'), body }
      },
    },
    'licensing.subjectRequests.export': {
      invalid_state: async () => ({
        id: idOf(await post('/v1/data-subject-requests', { type: 'erase', subject: 'cr_gone' })),
      }),
    },
  }
  return refusals
}

function idOf(answer: HttpAnswer): string {
  return field(answer, 'id')
}

function field({ json, status, text }: HttpAnswer, name: string): string {
  const value: unknown = typeof json === 'object' && json !== null ? Reflect.get(json, name) : undefined
  if (status >= 300 || typeof value !== 'string') throw new Error(`${status} ${text}`)
  return value
}
