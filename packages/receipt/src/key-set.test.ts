import { describe, expect, it } from 'vitest'
import { findKey, formatKeySet, isKeyValidAt, parseKeySet } from './key-set.ts'
import { jwkThumbprint } from './jwk-thumbprint.ts'
import { ReceiptError } from './receipt-error.ts'
import { generateSigningKey } from './signing-key.ts'

const es256 = generateSigningKey('ES256', { exp: 2_000_000_000 }).publicJwk
const eddsa = generateSigningKey('EdDSA', { nbf: 2_000_000_000 }).publicJwk
const set = { keys: [es256, eddsa] }

function ed25519Key(hex: string) {
  const x = Buffer.from(hex, 'hex').toString('base64url')
  const identity = { kty: 'OKP', crv: 'Ed25519', x } as const
  return { ...identity, kid: jwkThumbprint(identity), alg: 'EdDSA', use: 'sig' }
}

describe('parseKeySet', () => {
  it('reads text, bytes and parsed JSON alike', () => {
    const text = JSON.stringify(set)
    expect(parseKeySet(text)).toEqual(set)
    expect(parseKeySet(Buffer.from(text))).toEqual(set)
    expect(parseKeySet(set)).toEqual(set)
    expect(parseKeySet(formatKeySet(set.keys))).toEqual(set)
  })

  it('takes a set without keys', () => {
    expect(parseKeySet('{"keys":[]}')).toEqual({ keys: [] })
  })

  it('gives a set that nobody can change behind the check', () => {
    const parsed = parseKeySet(set)
    expect(() => parsed.keys.push(es256)).toThrow(TypeError)
    expect(() => Object.assign(parsed.keys[0] ?? {}, { alg: 'EdDSA' })).toThrow(TypeError)
  })

  const { privateJwk } = generateSigningKey('ES256')
  const smallOrder = ['01'.padEnd(64, '0'), '00'.repeat(32), `ec${'ff'.repeat(30)}7f`, `ee${'ff'.repeat(31)}`]

  it.each<[string, unknown]>([
    ['text that is not JSON', '{'],
    ['a duplicate member', `{"keys":[],"keys":[${JSON.stringify(es256)}]}`],
    ['no object', [es256]],
    ['a member beside keys', { keys: [], kid: 'x' }],
    ['a kid that stands twice', { keys: [es256, es256] }],
    ['a kid that stands twice with other times', { keys: [es256, { ...es256, exp: 5 }] }],
    ['a kid that is not the thumbprint', { keys: [{ ...es256, kid: eddsa.kid }] }],
    ['a kid like a path', { keys: [{ ...es256, kid: '../../etc/passwd' }] }],
    ['no kid', { keys: [{ ...es256, kid: undefined }] }],
    ['the algorithm of another key type', { keys: [{ ...es256, alg: 'EdDSA' }] }],
    ['the algorithm none', { keys: [{ ...es256, alg: 'none' }] }],
    ['the algorithm HS256', { keys: [{ ...es256, alg: 'HS256' }] }],
    ['no algorithm', { keys: [{ ...es256, alg: undefined }] }],
    ['a key for encryption', { keys: [{ ...es256, use: 'enc' }] }],
    ['a secret', { keys: [privateJwk] }],
    ['a symmetric key', { keys: [{ kty: 'oct', k: 'AAAA', kid: es256.kid, alg: 'HS256', use: 'sig' }] }],
    ['another curve', { keys: [{ ...es256, crv: 'P-384' }] }],
    ['a coordinate with padding', { keys: [{ ...es256, x: `${es256.x}=` }] }],
    ['a short coordinate', { keys: [{ ...eddsa, x: eddsa.x.slice(0, -2) }] }],
    ['a time that ends before it starts', { keys: [{ ...es256, nbf: 2_000_000_001 }] }],
    ['a time in fractions', { keys: [{ ...es256, nbf: 1.5 }] }],
    ...smallOrder.map((hex): [string, unknown] => [
      `the small order key ${hex}`,
      { keys: [ed25519Key(hex)] },
    ]),
  ])('refuses %s', (_, json) => {
    expect(() => parseKeySet(json)).toThrow(expect.objectContaining({ code: 'bad_key_set' }))
  })

  it('refuses a point off its curve', () => {
    const point = { kty: 'EC', crv: 'P-256', x: eddsa.x, y: eddsa.x } as const
    const key = { ...point, kid: jwkThumbprint(point), alg: 'ES256', use: 'sig' }
    expect(() => parseKeySet({ keys: [key] })).toThrow('no point of its curve')
  })
})

describe('findKey', () => {
  it('finds a key by its kid alone', () => {
    const parsed = parseKeySet(set)
    expect(findKey(parsed, es256.kid)?.jwk).toEqual(es256)
    expect(findKey(parsed, eddsa.kid)?.jwk).toEqual(eddsa)
  })

  it.each(['', '__proto__', 'constructor', 'toString', '../key', `${es256.kid} `, es256.kid.toUpperCase()])(
    'finds nothing for the kid %j',
    (kid) => {
      expect(findKey(parseKeySet(set), kid)).toBeUndefined()
    },
  )

  it('checks a set that was not parsed, each time', () => {
    const open = { keys: [es256] }
    expect(findKey(open, es256.kid)?.jwk).toEqual(es256)
    open.keys.push(es256)
    expect(() => findKey(open, es256.kid)).toThrow(ReceiptError)
    open.keys.length = 0
    expect(findKey(open, es256.kid)).toBeUndefined()
  })
})

it('counts nbf into the time of a key, and exp not', () => {
  const at = (seconds: number) => isKeyValidAt({ nbf: 10, exp: 20 }, seconds)
  expect([9, 10, 19, 20].map(at)).toEqual([false, true, true, false])
  expect(isKeyValidAt({}, 0)).toBe(true)
})
