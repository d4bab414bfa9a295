import { createHmac, createPrivateKey, sign } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { canonical, eddsa, es256, forge, header, receipt, refusal } from '../test/forge-receipt.ts'
import { samplePayload } from '../test/sample-receipt.ts'
import { canonicalize } from './canonicalize.ts'
import { receiptEntry } from './receipt-entry.ts'
import { generateSigningKey } from './signing-key.ts'

const { iat } = samplePayload
const [head = '', body = '', signature = ''] = receipt.split('.')
const encode = (text: string) => Buffer.from(text).toString('base64url')
const withSignature = (bytes: Uint8Array) => `${head}.${body}.${Buffer.from(bytes).toString('base64url')}`

describe('attacks on the algorithm', () => {
  const publicText = JSON.stringify(es256.publicJwk)
  const hmacInput = `${encode(JSON.stringify({ ...header, alg: 'HS256' }))}.${body}`
  const hmac = createHmac('sha256', publicText).update(hmacInput).digest('base64url')

  it.each([
    ['none without a signature', `${encode(JSON.stringify({ ...header, alg: 'none' }))}.${body}.`],
    ['None with a signature', forge({ ...header, alg: 'None' })],
    ['an HMAC keyed with the public key', `${hmacInput}.${hmac}`],
    ['EdDSA for a key of ES256', forge({ ...header, alg: 'EdDSA' })],
    ['ES256 for a key of EdDSA', forge({ ...header, kid: eddsa.kid }, canonical, eddsa.privateJwk)],
    [
      'Ed25519, the other name of EdDSA',
      forge({ ...header, alg: 'Ed25519', kid: eddsa.kid }, canonical, eddsa.privateJwk),
    ],
    ['ES384', forge({ ...header, alg: 'ES384' })],
    ['es256 in lower case', forge({ ...header, alg: 'es256' })],
  ])('refuses %s', async (_, jws) => {
    expect(await refusal(jws)).toBe('wrong_algorithm')
  })

  it.each([
    ['no algorithm', { ...header, alg: undefined }],
    ['an algorithm that is a list', { ...header, alg: ['ES256'] }],
  ])('refuses %s', async (_, claimed) => {
    expect(await refusal(forge(claimed))).toBe('malformed')
  })
})

describe('attacks on the key', () => {
  const stranger = generateSigningKey('ES256')

  it.each([
    ['a kid that the set does not have', { ...header, kid: stranger.kid }],
    ['an empty kid', { ...header, kid: '' }],
    ['a kid like a path', { ...header, kid: '../../../dev/null' }],
    ['a kid like an injection', { ...header, kid: "' OR 1=1 --" }],
    ['the kid __proto__', { ...header, kid: '__proto__' }],
    ['the kid constructor', { ...header, kid: 'constructor' }],
  ])('refuses %s', async (_, claimed) => {
    expect(await refusal(forge(claimed))).toBe('unknown_key')
  })

  it.each([
    ['no kid', { ...header, kid: undefined }],
    ['a kid that is a number', { ...header, kid: 7 }],
    ['a kid that is a list', { ...header, kid: [es256.kid] }],
  ])('refuses %s', async (_, claimed) => {
    expect(await refusal(forge(claimed))).toBe('malformed')
  })

  it.each([
    ['jwk', stranger.publicJwk],
    ['jku', 'https://evil.example/jwks.json'],
    ['x5u', 'https://evil.example/cert.pem'],
    ['x5c', ['MIIB']],
  ])('lets no receipt bring its own key in %s', async (member, value) => {
    const claimed = { ...header, [member]: value }
    expect(await refusal(forge(claimed, canonical, stranger.privateJwk))).toBe('bad_signature')
    expect(await refusal(forge(claimed))).toBe('accepted')
  })

  it('refuses a key set that names a stranger under a known kid', async () => {
    const swapped = { keys: [{ ...stranger.publicJwk, kid: es256.kid }] }
    expect(await refusal(forge(header, canonical, stranger.privateJwk), swapped)).toBe('bad_key_set')
  })

  it('refuses a key set that holds one kid twice', async () => {
    expect(await refusal(receipt, { keys: [es256.publicJwk, es256.publicJwk] })).toBe('bad_key_set')
  })
})

describe('attacks on the header', () => {
  it.each([
    ['an unknown critical extension', { ...header, crit: ['exp'], exp: 1 }],
    ['an empty list of critical extensions', { ...header, crit: [] }],
    ['an unencoded payload (RFC 7797)', { ...header, crit: ['b64'], b64: false }],
    ['a null for critical extensions', { ...header, crit: null }],
    ['no object', '[]'],
    ['no JSON', 'alg=ES256'],
    ['a duplicate alg', `{"alg":"ES256","alg":"ES256","kid":"${es256.kid}","typ":"tally-receipt+jwt"}`],
    [
      'a duplicate kid, escaped',
      `{"alg":"ES256","kid":"${es256.kid}","\\u006bid":"x","typ":"tally-receipt+jwt"}`,
    ],
    ['a member __proto__', `{"__proto__":{"typ":"tally-receipt+jwt"},"alg":"ES256","kid":"${es256.kid}"}`],
  ])('refuses %s', async (_, claimed) => {
    expect(await refusal(forge(claimed))).toBe('malformed')
  })

  it.each([
    undefined,
    null,
    'JWT',
    'at+jwt',
    'TALLY-RECEIPT+JWT',
    'application/tally-receipt+jwt',
    ['tally-receipt+jwt'],
  ])('refuses the type %j', async (typ) => {
    expect(await refusal(forge({ ...header, typ }))).toBe('wrong_type')
  })
})

describe('attacks on the encoding', () => {
  it.each([
    ['nothing', ''],
    ['two parts', `${head}.${body}`],
    ['four parts', `${receipt}.`],
    ['five parts, as of JWE', `${head}.${body}.${signature}.a.b`],
    ['padding', `${receipt}==`],
    ['a line end', `${receipt}\n`],
    ['white space before', ` ${receipt}`],
    ['the JSON serialization', JSON.stringify({ payload: body, protected: head, signature })],
    ['the alphabet of base64', `${head}.${body}.${signature.slice(0, -4)}+/+/`],
    [
      'a header in another UTF-8',
      `${Buffer.from([0x7b, 0xff, 0x7d]).toString('base64url')}.${body}.${signature}`,
    ],
    ['a text of absurd length', `${head}.${'A'.repeat(300_000)}.${signature}`],
  ])('refuses %s', async (_, jws) => {
    expect(await refusal(jws)).toBe('malformed')
  })

  it('refuses the bits that base64url has beyond the last byte', async () => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    const last = alphabet[alphabet.indexOf(receipt.slice(-1)) ^ 1] ?? ''
    const twin = receipt.slice(0, -1) + last
    expect(Buffer.from(twin.slice(-86), 'base64url')).toEqual(Buffer.from(signature, 'base64url'))
    expect(await refusal(twin)).toBe('malformed')
  })
})

describe('attacks on the signature', () => {
  const bytes = Buffer.from(signature, 'base64url')
  const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
  const scalar = (value: bigint) => Buffer.from(value.toString(16).padStart(64, '0'), 'hex')
  const der = sign(
    'sha256',
    Buffer.from(`${head}.${body}`),
    createPrivateKey({ key: es256.privateJwk, format: 'jwk' }),
  )

  it.each<[string, Uint8Array]>([
    ['no signature', new Uint8Array(0)],
    ['63 bytes', bytes.subarray(1)],
    ['65 bytes', Buffer.concat([bytes, Uint8Array.of(0)])],
    ['DER', der],
    ['zeros, which sign everything where r and s go unchecked', new Uint8Array(64)],
    ['r of the order, s of the order', Buffer.concat([scalar(order), scalar(order)])],
    ['r beyond the order', Buffer.concat([Buffer.alloc(32, 0xff), bytes.subarray(32)])],
    ['r and s swapped', Buffer.concat([bytes.subarray(32), bytes.subarray(0, 32)])],
  ])('refuses %s', async (_, forged) => {
    expect(await refusal(withSignature(forged))).toBe('bad_signature')
  })

  it('refuses the signature of another receipt', async () => {
    const other = forge(header, canonicalize({ ...samplePayload, event: 'evt_other' }))
    expect(await refusal(`${head}.${body}.${other.split('.')[2]}`)).toBe('bad_signature')
  })

  it('refuses an Ed25519 signature whose s is not reduced', async () => {
    const jws = forge({ ...header, alg: 'EdDSA', kid: eddsa.kid }, canonical, eddsa.privateJwk)
    const groupOrder = 2n ** 252n + 27742317777372353535851937790883648493n
    const raw = Buffer.from(jws.split('.')[2] ?? '', 'base64url')
    const s = BigInt(`0x${Buffer.from(raw.subarray(32).toReversed()).toString('hex')}`) + groupOrder
    const malleated = Buffer.concat([raw.subarray(0, 32), scalar(s).toReversed()])
    const [input1, input2] = jws.split('.')
    expect(await refusal(`${input1}.${input2}.${malleated.toString('base64url')}`)).toBe('bad_signature')
  })

  it('takes the twin (r, n − s), which is valid ECDSA, but gives it another log entry', async () => {
    const s = BigInt(`0x${bytes.subarray(32).toString('hex')}`)
    const twin = withSignature(Buffer.concat([bytes.subarray(0, 32), scalar(order - s)]))
    expect(await refusal(twin)).toBe('accepted')
    expect(Buffer.from(receiptEntry(twin))).not.toEqual(Buffer.from(receiptEntry(receipt)))
  })
})

describe('attacks on the payload', () => {
  it.each<[string, string | Uint8Array]>([
    ['no JSON', 'hello'],
    ['no object', '[]'],
    ['an unknown member', canonicalize({ ...samplePayload, admin: true })],
    ['a missing member', canonicalize({ iat })],
    ['a time as text', canonicalize({ ...samplePayload, iat: `${iat}` })],
    ['a promise before the issue', canonicalize({ ...samplePayload, merge_by: iat - 1 })],
    ['a duplicate member', canonical.replace('{', `{"actor":"acct_evil",`)],
    ['a member __proto__', canonical.replace('{', `{"__proto__":{},`)],
    ['an iat that loses precision', canonical.replace(`"iat":${iat}`, `"iat":${iat}.00000000000000001`)],
    ['a lone surrogate', canonical.replace('"acct_', '"\\ud800acct_')],
    ['invalid UTF-8', Buffer.from(canonical.replace('"acct_', '"\u00ffacct_'), 'latin1')],
    ['a byte order mark', `\ufeff${canonical}`],
  ])('refuses %s', async (_, payload) => {
    expect(await refusal(forge(header, payload))).toBe('bad_payload')
  })

  it.each([
    ['white space', JSON.stringify(samplePayload, null, 1)],
    ['members in another order', JSON.stringify(samplePayload)],
    ['an escape that is not needed', canonical.replace('"acct_', String.raw`"\u0061cct_`)],
    ['a number in another form', canonical.replace(`"iat":${iat}`, `"iat":${iat}.0`)],
    ['a line end behind', `${canonical}\n`],
  ])('refuses %s, which is not canonical', async (_, payload) => {
    expect(await refusal(forge(header, payload))).toBe('not_canonical')
  })

  it('looks at no claim before the signature holds', async () => {
    const evil = encode(canonicalize({ ...samplePayload, actor: 'acct_evil' }))
    expect(await refusal(`${head}.${evil}.${signature}`)).toBe('bad_signature')
    expect(await refusal(`${head}.${encode('not JSON')}.${signature}`)).toBe('bad_signature')
  })
})
