import { timingSafeEqual } from 'node:crypto'
import { Fault } from '@tallystick/protocol'
import type { AccountRole, Scope } from '@tallystick/protocol'
import { replace } from '@tallystick/storage'
import type { Store } from '@tallystick/storage'
import type { Authenticator, Caller } from './api.ts'
import { formatSecret, isWellFormedSecret, secretDigest } from './api-key-secret.ts'
import type { Mode } from './api-key-secret.ts'
import { apiKeys, endOfKey, isUsable, keyIdOf, planKey, planRevocation } from './api-keys.ts'
import type { ApiKey } from './api-keys.ts'
import { callerCache, revocationBoundMs } from './caller-cache.ts'
import type { KnownCaller } from './caller-cache.ts'
import type { Entropy } from './entropy.ts'

/** A key as its owner sees it; `secret` is told once, at creation. */
export interface CreatedKey {
  id: string
  secret: string
}

/** API keys on the storage port: made, found by their secret, and revoked. */
export interface KeyStore extends Authenticator {
  createKey(key: {
    tenant: string
    /** The tenant's founding operator unless told. */
    account?: string
    role?: AccountRole
    plan?: string
    scopes: readonly Scope[]
    mode: Mode
    name?: string
    expiresAt?: Date
  }): Promise<CreatedKey>
  /** Stops a key: here at once, in other processes within the cache's lifetime. Throws Fault `not_found`. */
  revokeKey(tenant: string, id: string): Promise<void>
  /** The caller as the store has it now, past the cache: other services fill their caches from this. */
  verify(secret: string): Promise<Caller | undefined>
  /** Drops what is remembered: after a change of keys or accounts it holds here at once. */
  forget(): void
  /** Resolves when the notes of last use that are under way are written. */
  settled(): Promise<void>
}

/** What a key store is made from. */
export interface KeyStoreOptions extends Pick<Entropy, 'now' | 'random'> {
  mode: Mode
  /** How long found keys are remembered; 5 s at most. */
  cacheMs?: number
  /** Who the key speaks for, as of now: what the account says in place of the key. Undefined refuses the key. */
  holderOf?: (key: ApiKey) => Promise<Pick<Caller, 'role' | 'plan' | 'reference'> | undefined>
}

const useNotedEveryMs = 60_000

/**
 * The key store of one mode; a key of the other mode is unknown here. Found keys are remembered for `cacheMs`, which
 * bounds how long a key revoked elsewhere still works; no key is remembered beyond its own end.
 */
export function keyStore(store: Store, options: KeyStoreOptions): KeyStore {
  const { now, random, mode, cacheMs = revocationBoundMs, holderOf } = options
  const cache = callerCache({ now, lifetimeMs: cacheMs })
  const notes = new Map<string, Promise<void>>()

  async function lookUp(secret: string): Promise<KnownCaller | undefined> {
    // The checksum tells a mistyped or invented key from a real one without asking the store.
    if (!isWellFormedSecret(secret)) return undefined
    const at = now()
    const digest = secretDigest(secret)
    const found = await store.get(apiKeys, keyIdOf(digest))
    if (!found || found.mode !== mode || !isUsable(found, at)) return undefined
    // The id has 130 bits of the digest; all 256 must agree, in a time that tells nothing.
    if (!timingSafeEqual(found.digest, digest)) return undefined
    const { tenant, account, scopes, id } = found
    const holder = holderOf ? await holderOf(found) : { role: found.role, plan: found.plan }
    if (!holder) return undefined
    noteUse(found, at)
    const caller = { ...holder, tenant, account, scopes, keyId: id, livemode: mode === 'live' }
    return { caller, end: endOfKey(found) }
  }

  /** Writes the time of use down, beside the request and once a minute at most: nobody waits for it. */
  function noteUse({ id, lastUsedAt }: ApiKey, at: Date): void {
    const isRecent = (noted: Date | undefined) =>
      noted !== undefined && at.getTime() - noted.getTime() < useNotedEveryMs
    if (isRecent(lastUsedAt) || notes.has(id)) return
    const note = store
      .attempt(async () => {
        const found = await store.get(apiKeys, id)
        if (!found || isRecent(found.lastUsedAt)) return
        const { version, ...key } = found
        await store.commit([replace(apiKeys, { ...key, lastUsedAt: at }, version)])
      })
      // A lost note is only an older time of use; the key was good all the same.
      .catch(() => undefined)
      .finally(() => notes.delete(id))
    notes.set(id, note)
  }

  return {
    async createKey({ account, role = 'operator', plan = 'standard', name = '', ...key }) {
      if (key.mode !== mode) throw new Fault('bad_request', { detail: `This service runs in ${mode} mode` })
      const { tenant, expiresAt } = key
      const secret = formatSecret(mode, random(32))
      const { writes, answer } = planKey(
        {
          tenant,
          account: account ?? tenant,
          role,
          plan,
          name,
          scopes: [...key.scopes],
          ...(expiresAt && { expiresAt }),
        },
        { secret, at: now() },
      )
      await store.commit(writes)
      return { id: answer.id, secret }
    },

    async revokeKey(tenant, id) {
      await store.attempt(async () => {
        const found = await store.get(apiKeys, id)
        if (!found || found.tenant !== tenant) throw new Fault('not_found')
        if (found.revokedAt === null) await store.commit(planRevocation(found, { at: now() }).writes)
      })
      cache.clear()
    },

    authenticate: (secret) => cache.remembered(secret, () => lookUp(secret)),
    verify: async (secret) => (await lookUp(secret))?.caller,
    forget: () => cache.clear(),
    settled: async () => void (await Promise.all(notes.values())),
  }
}
