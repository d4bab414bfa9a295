import { readFileSync } from 'node:fs'
import { leases, leaseTerms } from '@tallystick/runtime'
import { expect, test } from 'vitest'
import { auditCollections } from '../services/audit/src/index.ts'
import { billingCollections } from '../services/billing/src/index.ts'
import { identityCollections } from '../services/identity/src/index.ts'
import { licensingCollections } from '../services/licensing/src/index.ts'

const services = {
  identity: identityCollections,
  licensing: licensingCollections,
  audit: auditCollections,
  billing: billingCollections,
}
// What every service has beside its own.
const common = new Set(['outbox', 'idempotency', 'leases', 'lease_terms'])
const line = /^\| `([a-z_.]+)` \| (erased|kept|never personal) \| (.+) \|$/gm

test('docs/privacy.md says of every collection what becomes of personal data in it', () => {
  const text = readFileSync(new URL('../docs/privacy.md', import.meta.url), 'utf8')
  const told = [...text.matchAll(line)].map(([, name]) => name)
  const kept = Object.entries(services).flatMap(([service, collections]) =>
    collections.map(({ name }) => (common.has(name) ? name : `${service}.${name}`)),
  )
  const all = new Set([...kept, leases.name, leaseTerms.name])
  expect(told).toHaveLength(new Set(told).size)
  expect([...all].filter((name) => !told.includes(name))).toEqual([])
  expect(told.filter((name) => !all.has(name ?? ''))).toEqual([])
})
