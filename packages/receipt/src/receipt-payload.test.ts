import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { samplePayload } from '../test/sample-receipt.ts'
import { canonicalize } from './canonicalize.ts'
import { ReceiptPayload, serializePayload } from './receipt-payload.ts'

const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 })
const payload = fc
  .record(
    {
      licenses: fc.array(name, { maxLength: 3 }),
      event: name,
      actor: name,
      iat: fc.maxSafeNat(),
      iss: fc.constantFrom('log.example', 'lög.example/ä', 'a"b\\c', '\u2028\u{1f600}'),
      usage: fc.record(
        {
          quantity: fc.constantFrom('0', '0.000000000001', '1'),
          metric: fc.constant('tokens'),
          model_id: name,
        },
        { requiredKeys: ['metric', 'quantity'] },
      ),
    },
    { requiredKeys: ['licenses', 'event', 'actor', 'iat', 'iss'] },
  )
  .map(({ usage, ...rest }) => {
    const { usage: _, ...base } = samplePayload
    return { ...base, ...rest, merge_by: rest.iat, ...(usage && { usage }) }
  })

describe('serializePayload', () => {
  it('writes what canonicalize writes, for every payload that the schema takes', () => {
    fc.assert(
      fc.property(payload, (candidate) => {
        const parsed = ReceiptPayload.safeParse(candidate)
        fc.pre(parsed.success)
        expect(serializePayload(parsed.data)).toBe(canonicalize(parsed.data))
      }),
    )
  })

  it('writes no usage where there is none', () => {
    const { usage: _, ...rest } = samplePayload
    expect(serializePayload(rest)).toBe(canonicalize(rest))
  })
})

describe('ReceiptPayload', () => {
  it('takes a payload without licenses, items and usage', () => {
    const { usage: _, ...rest } = samplePayload
    expect(ReceiptPayload.safeParse({ ...rest, licenses: [], items: [] }).success).toBe(true)
  })

  it('takes a receipt that is merged in the second of its issue', () => {
    expect(ReceiptPayload.safeParse({ ...samplePayload, merge_by: samplePayload.iat }).success).toBe(true)
  })

  it.each<[string, object]>([
    ['an unknown member', { exp: 1 }],
    ['a missing member', { licenses: undefined }],
    ['an unknown member of usage', { usage: { metric: 'tokens', quantity: '1', cost: '1' } }],
    ['a quantity as a number', { usage: { metric: 'tokens', quantity: 1 } }],
    ['a time in fractions', { iat: 1.5 }],
    ['a time before 1970', { iat: -1 }],
    ['a time beyond 2^53', { iat: 2 ** 53, merge_by: 2 ** 53 }],
    ['a promise that lies before the issue', { merge_by: samplePayload.iat - 1 }],
    ['an id of another kind', { jti: 'lic_01kqxq5t8r0000000000000000' }],
    ['another hash algorithm', { body: 'md5:d41d8cd98f00b204e9800998ecf8427e' }],
    ['an upper-case hash', { items: [`sha256:${'A'.repeat(64)}`] }],
    ['an origin with a space', { iss: 'log example' }],
    ['an origin with a plus sign, which splits verifier keys', { iss: 'log+example' }],
    ['an origin with a line end', { iss: 'log.example\n' }],
    ['an empty origin', { iss: '' }],
    ['a lone surrogate', { actor: '\ud800' }],
    ['a control character', { event: 'a\u0000b' }],
    ['too many licenses', { licenses: Array.from({ length: 101 }, () => 'lic_1') }],
  ])('refuses %s', (_, change) => {
    expect(ReceiptPayload.safeParse({ ...samplePayload, ...change }).success).toBe(false)
  })
})
