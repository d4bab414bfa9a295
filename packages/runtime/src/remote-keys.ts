import { accountRole, Fault, scope } from '@tallystick/protocol'
import { z } from 'zod'
import type { Authenticator } from './api.ts'
import { isWellFormedSecret } from './api-key-secret.ts'
import { callerCache, revocationBoundMs } from './caller-cache.ts'
import type { KnownCaller } from './caller-cache.ts'

/** What the identity service tells a key of itself, as far as callers are made from it. */
const self = z.object({
  id: z.string(),
  livemode: z.boolean(),
  tenant: z.string(),
  account: z.string(),
  account_reference: z.string().optional(),
  role: accountRole,
  plan: z.string(),
  // A newer identity service may know scopes that this service does not: they open nothing here.
  scopes: z.array(z.string()).transform((all) => all.flatMap((one) => scope.safeParse(one).data ?? [])),
  expires_at: z.coerce.date().optional(),
  overlap_until: z.coerce.date().optional(),
})

/**
 * Asks the identity service at `url` who is behind a key, by the key itself, so no secret is shared between services.
 * Answers are remembered for `cacheMs`, 5 s at most, from the moment the question was sent. `authenticate` throws Fault
 * `unavailable` when identity does not answer and nothing valid is remembered.
 */
export function remoteKeys(options: { url: string; cacheMs?: number; now?: () => Date }): Authenticator {
  const { url, cacheMs = revocationBoundMs, now = () => new Date() } = options
  const cache = callerCache({ now, lifetimeMs: cacheMs })
  const address = `${url.replace(/\/$/, '')}/v1/api-keys/self`

  async function ask(secret: string): Promise<KnownCaller | undefined> {
    const response = await fetch(address, {
      headers: { authorization: `Bearer ${secret}` },
      redirect: 'error',
      // An answer that took longer would be too old to be used.
      signal: AbortSignal.timeout(revocationBoundMs),
    })
    if (response.status === 401) {
      await response.body?.cancel()
      return undefined
    }
    if (!response.ok) throw new Error(`identity answered ${response.status}: ${await response.text()}`)
    const told = self.parse(await response.json())
    const { id, account_reference: reference, expires_at: expiry, overlap_until: overlap, ...caller } = told
    const ends = [expiry, overlap].flatMap((end) => (end ? [end.getTime()] : []))
    return {
      caller: { ...caller, reference, keyId: id },
      end: ends.length > 0 ? new Date(Math.min(...ends)) : undefined,
    }
  }

  return {
    async authenticate(secret) {
      if (!isWellFormedSecret(secret)) return undefined
      return cache.remembered(secret, async () => {
        try {
          return await ask(secret)
        } catch (cause) {
          throw new Fault('unavailable', { detail: 'API keys cannot be checked at the moment', cause })
        }
      })
    },
  }
}
