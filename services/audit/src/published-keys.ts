import { importSigningKey, parseKeySet } from '@tallystick/receipt'
import type { KeySet, PrivateJwk, PublicJwk } from '@tallystick/receipt'
import { insert, replace } from '@tallystick/storage'
import type { Store } from '@tallystick/storage'
import { signingKeys } from './collections.ts'

/**
 * Publishes the public halves of `keys` and gives the whole key set of the log: these and every key before them. A key
 * that was published stays; all that may change is that it gets an end, once. Throws for any other change: it would make
 * receipts that were given invalid, or sign new ones after the end that everyone knows.
 */
export async function publishKeys(
  { store, origin, now }: { store: Store; origin: string; now: () => Date },
  keys: readonly PrivateJwk[],
): Promise<KeySet> {
  for (const key of keys) {
    const { publicJwk } = importSigningKey(key)
    const jwk = JSON.stringify(publicJwk)
    await store.attempt(async () => {
      const known = await store.get(signingKeys, publicJwk.kid)
      if (!known) {
        await store.commit([insert(signingKeys, { id: publicJwk.kid, log: origin, jwk, createdAt: now() })])
      } else if (known.jwk !== jwk) {
        requireOnlyAnEnd(publicJwk, JSON.parse(known.jwk) as PublicJwk)
        const { version, ...rest } = known
        await store.commit([replace(signingKeys, { ...rest, jwk }, version)])
      }
    })
  }
  return readKeySet(store, origin)
}

function requireOnlyAnEnd(key: PublicJwk, published: PublicJwk): void {
  if (key.nbf === published.nbf && published.exp === undefined) return
  throw new Error(
    `The receipt key ${key.kid} was published with nbf ${published.nbf ?? 'none'} and exp ${published.exp ?? 'none'}, ` +
      'which stays; see "Signing keys" in docs/operations.md',
  )
}

/** Every key that ever signed receipts of the log, those that other copies published too. */
export async function readKeySet(store: Store, origin: string): Promise<KeySet> {
  const published: unknown[] = []
  for await (const { jwk } of store.scan(signingKeys.byTime, { equals: [origin] }))
    published.push(JSON.parse(jwk))
  return parseKeySet({ keys: published })
}
