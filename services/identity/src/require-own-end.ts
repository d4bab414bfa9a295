import { Fault } from '@tallystick/protocol'
import { apiKeys, endOfKey } from '@tallystick/runtime'
import type { Actor, Deps } from './deps.ts'

/**
 * Lets no key that ends make one that outlives it: else whoever finds a key that was rotated, or was lent for a day, keeps
 * its rights for ever. `expiresAt` is when the new key ends, undefined for never. Throws Fault `forbidden`.
 */
export async function requireOwnEnd(
  { store }: Pick<Deps, 'store'>,
  { keyId }: Pick<Actor, 'keyId'>,
  expiresAt: Date | undefined,
): Promise<void> {
  const own = keyId === undefined ? undefined : await store.get(apiKeys, keyId)
  const end = own && endOfKey(own)
  if (end === undefined || (expiresAt !== undefined && expiresAt <= end)) return
  throw new Fault('forbidden', {
    detail: `The key that asks ends at ${end.toISOString()}, and makes none that ends later`,
  })
}
