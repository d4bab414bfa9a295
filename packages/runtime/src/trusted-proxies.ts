import { isIP } from 'node:net'
import { z } from 'zod'

const ranges = new Set(['loopback', 'linklocal', 'uniquelocal'])

/**
 * The proxies whose X-Forwarded-For is believed, separated by commas: addresses, networks such as 10.0.0.0/8, or the
 * names `loopback`, `linklocal`, `uniquelocal`. There is no way to trust everybody: then callers could write any
 * address as theirs.
 */
export const trustedProxies = z
  .string()
  .transform((text) => text.split(',').map((one) => one.trim()))
  .refine((all) => all.every(isProxy), {
    message:
      'must be addresses, networks such as 10.0.0.0/8, loopback, linklocal or uniquelocal, with commas',
  })

function isProxy(text: string): boolean {
  if (ranges.has(text)) return true
  const [address = '', bits, more] = text.split('/')
  const version = isIP(address)
  if (version === 0 || more !== undefined) return false
  // A network of all addresses would be everybody.
  return bits === undefined || (/^[1-9]\d{0,2}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128))
}
