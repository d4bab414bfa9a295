import { z } from 'zod'

/** The SHA-256 of some content: `sha256:` and 64 lower-case hex digits. Other algorithms are refused. */
export const contentHash = z
  .string()
  .regex(/^sha256:[0-9a-f]{64}$/, 'must be "sha256:" followed by 64 lower-case hex digits')
  .meta({ examples: ['sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'] })

/** An exact decimal without sign: at most 18 integer and 12 fraction digits, no needless leading zero. */
export const decimal = z
  .string()
  .regex(/^(0|[1-9][0-9]{0,17})(\.[0-9]{1,12})?$/, 'must be a decimal string such as "150000" or "0.001"')
  .meta({ examples: ['150000'] })

/** A moment on the wire: RFC 3339 in UTC; milliseconds are optional on the way in and always there on the way out. */
export const timestamp = z.iso
  .datetime({ message: 'must be an RFC 3339 time in UTC such as 2026-01-18T14:22:00.000Z' })
  .meta({ examples: ['2026-01-18T14:22:00.000Z'] })

/** A name that a caller chose for something of theirs: 1 to 200 printable characters. */
export const reference = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[^\p{Cc}\p{Cs}]+$/u, 'must not contain control characters')

/** The bytes as lower-case hex behind `sha256:`. */
export function formatContentHash(digest: Uint8Array): string {
  let hex = ''
  for (const byte of digest) hex += byte.toString(16).padStart(2, '0')
  return `sha256:${hex}`
}

/** The tenant's own notes on an object: at most 50, under names that every database can keep. */
export const metadata = z
  .record(
    z
      .string()
      .min(1)
      .max(40)
      .regex(
        /^(?!\$|__proto__$|_bsontype$)[^\p{Cc}\p{Cs}]+$/u,
        'must not begin with $ or contain control characters, nor be __proto__ or _bsontype',
      ),
    z.string().max(500),
  )
  .refine((map) => Object.keys(map).length <= 50, 'must have at most 50 entries')
