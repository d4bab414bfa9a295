import {
  apiKeys,
  auditRelay,
  createMetrics,
  createServer,
  defaultRatePlans,
  idempotency,
  keyStore,
  openServiceStore,
  outbox,
  serverSettings,
  serviceKeyCheck,
  systemEntropy,
} from '@tallystick/runtime'
import type { Authenticator, AuditSink, Entropy, Lifecycle } from '@tallystick/runtime'
import type { Collection, Store } from '@tallystick/storage'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import { accounts } from './collections.ts'
import type { IdentityConfig } from './config.ts'
import type { Deps } from './deps.ts'
import { holderOf, identityLink } from './identity-link.ts'
import type { IdentityLink } from './identity-link.ts'
import { router } from './router.ts'

/** What the identity service must keep; leases are left out, they are of this store's processes alone. */
export const identityCollections: Collection[] = [accounts, apiKeys, outbox, idempotency]

/** A running identity service. */
export interface IdentityService {
  server: FastifyInstance
  store: Store
  /** What services in the same process ask in place of HTTP. */
  link: IdentityLink
  deps: Deps
}

const relayEveryMs = 250

/** Opens the store, starts the relay of events and builds the server; the caller listens. Stops with `lifecycle`. */
export async function startIdentity(options: {
  config: IdentityConfig
  sink: AuditSink
  log: Logger
  lifecycle: Lifecycle
  publicUrl?: string
  /** With which events are handed over; /readyz tells whether it is good. */
  serviceKey?: string
  /** Time, ids and randomness; the machine's own unless told. */
  entropy?: Entropy
}): Promise<IdentityService> {
  const { config, sink, log, lifecycle } = options
  const entropy = options.entropy ?? systemEntropy()
  const mode = config.MODE
  const store = await openServiceStore({
    config,
    service: 'identity',
    collections: identityCollections,
    log,
    lifecycle,
  })
  const keys = keyStore(store, { ...entropy, mode, holderOf: holderOf(store) })
  lifecycle.onStop('notes of last use', () => keys.settled())
  const metrics = createMetrics({ process: true })
  const relay = auditRelay({
    store,
    sink,
    now: entropy.now,
    log,
    metrics,
    owner: `${process.pid}-${Buffer.from(entropy.random(8)).toString('hex')}`,
    ttlMs: config.LEASE_SECONDS * 1000,
    everyMs: relayEveryMs,
  })
  lifecycle.onStop('relay', () => relay.stop())
  const deps: Deps = { ...entropy, store, mode, keys, plans: config.RATE_PLANS ?? defaultRatePlans }
  // Past the cache: other services remember what they are told here, and two caches would be twice the bound.
  const verified: Authenticator = { authenticate: (secret) => keys.verify(secret) }
  const key = options.serviceKey
  const checkKey = key === undefined ? undefined : serviceKeyCheck({ key, keys: verified })
  const server = createServer({
    name: 'identity',
    description: 'Accounts and API keys',
    router,
    deps,
    log,
    keys: verified,
    store,
    metrics,
    ...serverSettings(config, options.publicUrl),
    ...(checkKey && { checks: { service_key: checkKey } }),
  })
  lifecycle.onStop('server', () => server.close())
  return { server, store, link: identityLink(deps), deps }
}
