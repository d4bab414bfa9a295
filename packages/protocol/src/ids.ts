import { z } from 'zod'

/** Every kind of object and the prefix that its ids carry; no prefix is written anywhere else. */
export const idPrefixes = {
  account: 'acct',
  key: 'key',
  license: 'lic',
  offer: 'offer',
  template: 'tmpl',
  dataset: 'ds',
  item: 'item',
  consent: 'cons',
  plan: 'plan',
  price: 'price',
  meter: 'meter',
  meterEvent: 'mev',
  subscription: 'sub',
  usage: 'use',
  invoice: 'inv',
  payment: 'pay',
  refund: 'rfd',
  royalty: 'roy',
  payout: 'po',
  dispute: 'disp',
  event: 'evt',
  webhookEndpoint: 'whe',
  webhookDelivery: 'whd',
  audit: 'aud',
  request: 'req',
  subjectRequest: 'dsr',
  retentionPolicy: 'ret',
  hold: 'hold',
  journal: 'jrn',
  ledgerAccount: 'la',
  creditGrant: 'cred',
  creditNote: 'cn',
  testClock: 'clock',
  alert: 'alert',
  customer: 'cus',
  billingRun: 'run',
} as const

/** The name of an object kind that has ids. */
export type IdKind = keyof typeof idPrefixes

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'
const idLength = 26
const timeLength = 10

/**
 * A new id of `kind`: its prefix, `_`, and a ULID in lower case (48 bits of milliseconds, 80 random bits), so ids
 * sort by time of creation. `random(n)` gives n random bytes.
 */
export function newId(kind: IdKind, at: Date, random: (size: number) => Uint8Array): string {
  let time = at.getTime()
  let text = ''
  for (let place = 0; place < timeLength; place++) {
    text = alphabet.charAt(time % 32) + text
    time = Math.floor(time / 32)
  }
  return `${idPrefixes[kind]}_${text}${base32(random(10), idLength - timeLength)}`
}

/** The id of `kind` that follows from a digest of at least 17 bytes: the same digest gives the same id for ever. */
export function derivedId(kind: IdKind, digest: Uint8Array): string {
  return `${idPrefixes[kind]}_${base32(digest, idLength)}`
}

/** A zod schema that accepts exactly the ids of `kind`. */
export function idSchema(kind: IdKind) {
  const prefix = idPrefixes[kind]
  return z
    .string()
    .regex(
      new RegExp(`^${prefix}_[0-9a-hjkmnp-tv-z]{26}$`),
      `must be an id like ${prefix}_ and 26 characters`,
    )
    .meta({ examples: [`${prefix}_01kqxq5t8r0000000000000000`] })
}

/** The first `length` base32 digits of `bytes`, most significant bit first. */
function base32(bytes: Uint8Array, length: number): string {
  let text = ''
  let bits = 0
  let value = 0
  for (let index = 0; text.length < length; index++) {
    value = (value << 8) | (bytes[index] ?? 0)
    for (bits += 8; bits >= 5 && text.length < length; bits -= 5) {
      text += alphabet.charAt((value >>> (bits - 5)) & 31)
    }
    value &= (1 << bits) - 1
  }
  return text
}
