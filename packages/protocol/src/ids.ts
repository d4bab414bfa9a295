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
const pairs = Array.from({ length: 1024 }, (_, ten) => alphabet.charAt(ten >> 5) + alphabet.charAt(ten & 31))

/**
 * A new id of `kind`: its prefix, `_`, and a ULID in lower case (48 bits of milliseconds, 80 random bits), so ids
 * sort by time of creation. `random(n)` gives n random bytes; 10 are asked for and read at once.
 */
export function newId(kind: IdKind, at: Date, random: (size: number) => Uint8Array): string {
  let time = at.getTime()
  let text = ''
  for (let pair = 0; pair < 5; pair++) {
    text = pairs[time % 1024] + text
    time = Math.floor(time / 1024)
  }
  const bytes = random(10)
  return `${idPrefixes[kind]}_${text}${base32(10, 8, (place) => bytes[place] ?? 0)}`
}

/** The id of `kind` that follows from a SHA-256 digest in hex: the same digest gives the same id for ever. */
export function derivedId(kind: IdKind, digest: string): string {
  if (digest.length !== 64) throw new TypeError('a SHA-256 digest has 64 hex digits')
  const digit = (place: number) => {
    const code = digest.charCodeAt(place)
    return code < 58 ? code - 48 : code - 87
  }
  return `${idPrefixes[kind]}_${base32(33, 4, digit)}`
}

/** The base32 digits of `size` numbers of `width` bits, most significant first, two digits to ten bits. */
function base32(size: number, width: 4 | 8, at: (place: number) => number): string {
  let text = ''
  let bits = 0
  let value = 0
  for (let place = 0; place < size; place++) {
    value = (value << width) | at(place)
    bits += width
    if (bits < 10) continue
    bits -= 10
    text += pairs[value >> bits]
    value &= (1 << bits) - 1
  }
  return text
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
