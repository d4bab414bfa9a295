import { expect, test } from 'vitest'
import { prefixTable } from './prefix-table.ts'

const ownerOf = prefixTable([
  { owner: 'audit', paths: ['/log', '/v1/audit', '/v1/audit/{audit_id}/proof', '/v1/audit/records'] },
  { owner: 'licensing', paths: ['/v1/licenses/{license_id}', '/v1/audit/licenses'] },
])

test('a path belongs to the owner of its longest beginning of whole segments', () => {
  expect(ownerOf('/v1/audit/aud_1/proof')).toBe('audit')
  expect(ownerOf('/v1/audit/licenses/x')).toBe('licensing')
  expect(ownerOf('/v1/licenses')).toBe('licensing')
  expect(ownerOf('/log/tile/0/x001/000.p/3')).toBe('audit')
})

test('what nobody claims belongs to nobody', () => {
  for (const path of ['/', '', '/v1', '/v1/auditors', '/logs', 'log', '/v1/license'])
    expect(ownerOf(path)).toBeUndefined()
})

test('two owners of one beginning are refused', () => {
  const twice = [
    { owner: 'audit', paths: ['/v1/keys'] },
    { owner: 'identity', paths: ['/v1/keys/{id}'] },
  ]
  expect(() => prefixTable(twice)).toThrow('identity and audit both serve /v1/keys')
})
