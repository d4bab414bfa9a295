import type { Authenticator } from './api.ts'

/**
 * A check for /readyz: whether identity takes the key with which this service calls the others. It is asked until it
 * was found good once: a key that ends later must not take all copies out of service at the same moment. The check
 * rejects with what has to be done.
 */
export function serviceKeyCheck({ key, keys }: { key: string; keys: Authenticator }): () => Promise<void> {
  let found = false
  return async () => {
    if (found) return
    const caller = await keys.authenticate(key)
    if (!caller)
      throw new Error(
        'Identity refuses the key in SERVICE_KEY_FILE: it is unknown there, revoked, or its account is suspended',
      )
    if (!caller.scopes.includes('service')) {
      const scopes = caller.scopes.join(', ') || 'none'
      throw new Error(
        `The key in SERVICE_KEY_FILE lacks the scope service (it has ${scopes}): other services will refuse it`,
      )
    }
    found = true
  }
}
