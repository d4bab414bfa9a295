import { hash, timingSafeEqual } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { accountRole, derivedId, Fault, scope } from '@tallystick/protocol'
import type { AccountRole, Scope } from '@tallystick/protocol'
import { collection, insert, replace } from '@tallystick/storage'
import type { Store } from '@tallystick/storage'
import { z } from 'zod'
import type { Authenticator, Caller } from './api.ts'
import type { Entropy } from './entropy.ts'

/** Whether a key reaches test or live data. */
export type Mode = 'test' | 'live'

/** API keys. The secret itself is nowhere: only its SHA-256 is kept, which for 256 random bits needs no salt. */
export const apiKeys = collection('api_keys', {
  schema: z.strictObject({
    id: z.string(),
    tenant: z.string(),
    account: z.string(),
    role: accountRole,
    plan: z.string(),
    mode: z.enum(['test', 'live']),
    name: z.string(),
    scopes: z.array(scope),
    digest: z.custom<Uint8Array>((value) => value instanceof Uint8Array),
    createdAt: z.date(),
    revokedAt: z.date().nullable(),
  }),
  partition: 'id',
  indexes: { byTenant: ['tenant', 'createdAt'] },
})

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const bodyLength = 43
const checksumLength = 6
const secretPattern = /^sk_(test|live)_[0-9A-Za-z]{49}$/
const cacheLimit = 10_000

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
  }): Promise<CreatedKey>
  /** Stops a key: here at once, in other processes within the cache's lifetime. Throws Fault `not_found`. */
  revokeKey(tenant: string, id: string): Promise<void>
}

/**
 * The key store of a service in one mode; a key of the other mode is unknown here. Found keys are remembered for
 * `cacheMs` (at most 5 s), which bounds how long a key revoked elsewhere still works.
 */
export function keyStore(
  store: Store,
  { now, random, mode, cacheMs = 5000 }: Pick<Entropy, 'now' | 'random'> & { mode: Mode; cacheMs?: number },
): KeyStore {
  const cache = new Map<string, { caller: Caller; until: number }>()
  const lifetime = Math.min(cacheMs, 5000)

  async function lookUp(digest: Uint8Array): Promise<Caller | undefined> {
    const found = await store.get(apiKeys, keyId(digest))
    if (!found || found.revokedAt || found.mode !== mode) return undefined
    // The id has 130 bits of the digest; all 256 must agree, in a time that tells nothing.
    if (!timingSafeEqual(found.digest, digest)) return undefined
    const { tenant, account, role, plan, scopes } = found
    return { tenant, account, role, plan, scopes, keyId: found.id, livemode: found.mode === 'live' }
  }

  return {
    async createKey({
      tenant,
      account = tenant,
      role = 'operator',
      plan = 'standard',
      scopes,
      mode: keyMode,
      name = '',
    }) {
      if (keyMode !== mode) throw new Fault('bad_request', { detail: `This service runs in ${mode} mode` })
      const secret = formatSecret(mode, random(32))
      const digest = sha256(secret)
      const id = keyId(digest)
      const granted = { tenant, account, role, plan, mode, name, scopes: [...scopes] }
      const key = { id, ...granted, digest, createdAt: now(), revokedAt: null }
      await store.commit([insert(apiKeys, key)])
      return { id, secret }
    },

    async revokeKey(tenant, id) {
      await store.attempt(async () => {
        const found = await store.get(apiKeys, id)
        if (!found || found.tenant !== tenant) throw new Fault('not_found')
        if (found.revokedAt) return
        const { version, ...key } = found
        await store.commit([replace(apiKeys, { ...key, revokedAt: now() }, version)])
      })
      for (const [digest, { caller }] of cache) if (caller.keyId === id) cache.delete(digest)
    },

    async authenticate(secret) {
      // The checksum tells a mistyped or invented key from a real one without asking the store.
      if (!isWellFormedSecret(secret)) return undefined
      const digest = sha256(secret)
      const cacheKey = digest.toString('base64')
      const at = now().getTime()
      const cached = cache.get(cacheKey)
      if (cached && at < cached.until) return cached.caller
      const caller = await lookUp(digest)
      if (!caller) {
        cache.delete(cacheKey)
        return undefined
      }
      if (cache.size >= cacheLimit) cache.clear()
      cache.set(cacheKey, { caller, until: at + lifetime })
      return caller
    },
  }
}

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

function checksum(text: string): string {
  return base62(BigInt(crc32(text)), checksumLength)
}

function base62(value: bigint, length: number): string {
  let text = ''
  for (let rest = value; text.length < length; rest /= 62n) text = alphabet.charAt(Number(rest % 62n)) + text
  return text
}

function sha256(text: string): Buffer {
  return hash('sha256', text, 'buffer')
}

function keyId(digest: Uint8Array): string {
  return derivedId('key', digest)
}
