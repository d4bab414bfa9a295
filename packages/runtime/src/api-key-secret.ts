import { hash } from 'node:crypto'
import { crc32 } from 'node:zlib'

/** Whether a key reaches test or live data. */
export type Mode = 'test' | 'live'

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const bodyLength = 43
const checksumLength = 6
const secretPattern = /^sk_(test|live)_[0-9A-Za-z]{49}$/

/** `sk_<mode>_`, 256 bits in base 62 and a CRC-32, by which secret scanners recognize a leaked key. */
export function formatSecret(mode: Mode, entropy: Uint8Array): string {
  const body = `sk_${mode}_${base62(BigInt(`0x${Buffer.from(entropy).toString('hex')}`), bodyLength)}`
  return body + checksum(body)
}

/** Whether `secret` has the form and the checksum of an API key. */
export function isWellFormedSecret(secret: string): boolean {
  if (!secretPattern.test(secret)) return false
  return checksum(secret.slice(0, -checksumLength)) === secret.slice(-checksumLength)
}

/** The mode that a well-formed secret names. */
export function modeOfSecret(secret: string): Mode {
  return secret.startsWith('sk_live_') ? 'live' : 'test'
}

/** The SHA-256 that is kept in place of the secret; for 256 random bits it needs no salt. */
export function secretDigest(secret: string): Buffer {
  return hash('sha256', secret, 'buffer')
}

function checksum(text: string): string {
  return base62(BigInt(crc32(text)), checksumLength)
}

function base62(value: bigint, length: number): string {
  let text = ''
  for (let rest = value; text.length < length; rest /= 62n) text = alphabet.charAt(Number(rest % 62n)) + text
  return text
}
