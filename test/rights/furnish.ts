import { idPrefixes } from '@tallystick/protocol'
import type { Market, RightsWorld } from './rights-world.ts'
import { requestTo } from './requests.ts'

/** The ids of a marketplace's own objects, by prefix; content hashes under `sha256`. */
export type Holdings = ReadonlyMap<string, ReadonlySet<string>>

/** Examples that would take away, some time later, what others made. */
const instead: Readonly<Record<string, Record<string, unknown>>> = {
  'licensing.subjectRequests.create': { type: 'export', subject: 'cr_123' },
}

const known = new Set<string>(Object.values(idPrefixes))
const idForm = /\b([a-z]+)_[0-9a-hjkmnp-tv-z]{26}\b|\b(sha256):[0-9a-f]{64}\b/g

/** All ids and hashes in a text. */
export function idsIn(text: string): [prefix: string, id: string][] {
  return [...text.matchAll(idForm)]
    .map(([id, prefix, hash]): [string, string] => [prefix ?? hash ?? '', id])
    .filter(([prefix]) => known.has(prefix) || prefix === 'sha256')
}

/**
 * Gives a marketplace one object at least of every kind that its operator can make, by sending the documented example
 * of every route that makes one; routes that are added are called too.
 */
export async function furnish(world: RightsWorld, market: Market): Promise<Holdings> {
  const holdings = new Map<string, Set<string>>()
  const keep = ([prefix, id]: [string, string]) =>
    holdings.set(prefix, (holdings.get(prefix) ?? new Set()).add(id))
  keep(['acct', market.tenant])
  const latest = (prefix: string) => [...(holdings.get(prefix) ?? [])].at(-1)
  const makers = world.operations.filter(
    ({ method, path, scope }) =>
      method === 'POST' && !path.includes('{') && !['public', 'service', 'platform'].includes(scope),
  )
  // Twice: what a route needs may be made by one that comes later.
  for (const operation of [...makers, ...makers]) {
    const examples = instead[operation.name] ? [instead[operation.name]] : operation.examples
    for (const example of examples) {
      const { path, body } = requestTo(operation, latest, undefined, example)
      const answer = await world.call('POST', path, { key: market.key, body })
      if (answer.status >= 300) continue
      // What the body sent is no object of the marketplace yet, content hashes apart.
      const sent = new Set(idsIn(JSON.stringify(body)).map(([, id]) => id))
      for (const found of idsIn(answer.text)) if (!sent.has(found[1]) || found[0] === 'sha256') keep(found)
    }
  }
  await furnishBooks(world, market, holdings)
  return holdings
}

/** What only comes of money that was asked for: a credit note, and the books about it. */
async function furnishBooks({ call }: RightsWorld, { key }: Market, holdings: Map<string, Set<string>>) {
  const [invoice = ''] = holdings.get('inv') ?? []
  const body = { amount: 100, reason: 'furnished' }
  const answers = [
    await call('POST', `/v1/invoices/${invoice}/finalize`, { key }),
    await call('POST', `/v1/invoices/${invoice}/credit-notes`, { key, body }),
    // What is left open would be collected some time later.
    await call('POST', `/v1/invoices/${invoice}/pay`, { key }),
    await call('GET', '/v1/ledger/accounts', { key }),
    await call('GET', '/v1/ledger/journals', { key }),
  ]
  for (const { status, text } of answers) {
    if (status >= 300) throw new Error(text)
    for (const [prefix, id] of idsIn(text)) holdings.set(prefix, (holdings.get(prefix) ?? new Set()).add(id))
  }
}
