import {
  createMetrics,
  createServer,
  idempotency,
  openServiceStore,
  outbox,
  serverSettings,
  systemEntropy,
} from '@tallystick/runtime'
import type { Authenticator, AuditSink, Entropy, HealthChecks, Lifecycle } from '@tallystick/runtime'
import type { Collection, Store } from '@tallystick/storage'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import {
  consents,
  datasets,
  datasetTotals,
  exclusivityClaims,
  exclusivityGuards,
  items,
  licenses,
  offers,
  templates,
  templateVersions,
} from './collections.ts'
import type { LicensingConfig } from './config.ts'
import type { AuditErasure, Deps, IdentityLink, PersonalRecords } from './deps.ts'
import { holdGuards, legalHolds, retentionPolicies, subjectRequests } from './privacy/collections.ts'
import { rightsLink } from './rights-link.ts'
import type { RightsLink } from './rights-link.ts'
import { router } from './router.ts'
import { startLoops } from './start-loops.ts'

/** What the licensing service must keep; leases are left out, they are of this store's processes alone. */
export const licensingCollections: Collection[] = [
  datasets,
  datasetTotals,
  items,
  consents,
  templates,
  templateVersions,
  offers,
  licenses,
  exclusivityClaims,
  exclusivityGuards,
  subjectRequests,
  retentionPolicies,
  legalHolds,
  holdGuards,
  outbox,
  idempotency,
]

/** A running licensing service. */
export interface LicensingService {
  server: FastifyInstance
  store: Store
  /** What billing asks. */
  rights: RightsLink
}

// 10,000 items with a reference each, and some metadata.
const bodyLimit = 8 * 1024 * 1024

/** Opens the store, starts relay and jobs and builds the server; the caller listens. Stops with `lifecycle`. */
export async function startLicensing(options: {
  config: LicensingConfig
  keys: Authenticator
  sink: AuditSink
  identity: IdentityLink
  erasure: AuditErasure
  /** The other services that keep personal data. */
  elsewhere?: readonly PersonalRecords[]
  log: Logger
  lifecycle: Lifecycle
  publicUrl?: string
  /** Beside the store, for /readyz. */
  checks?: HealthChecks
  /** Time, ids and randomness; the machine's own unless told. */
  entropy?: Entropy
}): Promise<LicensingService> {
  const { config, keys, sink, identity, erasure, elsewhere, log, lifecycle } = options
  const entropy = options.entropy ?? systemEntropy()
  const store = await openServiceStore({
    config,
    service: 'licensing',
    collections: licensingCollections,
    log,
    lifecycle,
  })

  const metrics = createMetrics({ process: true })
  const publicUrl = (options.publicUrl ?? config.PUBLIC_URL ?? 'http://localhost').replace(/\/$/, '')
  const livemode = config.MODE === 'live'
  const deps: Deps = { ...entropy, store, livemode, identity, erasure, elsewhere, publicUrl, log }
  const stopLoops = startLoops({
    ...deps,
    sink,
    metrics,
    owner: `${process.pid}-${Buffer.from(entropy.random(8)).toString('hex')}`,
    leaseMs: config.LEASE_SECONDS * 1000,
  })
  lifecycle.onStop('loops', stopLoops)

  const server = createServer({
    name: 'licensing',
    description: 'Datasets, items, consents, legal texts, offers, agreements and decisions',
    router,
    deps,
    log,
    keys,
    store,
    metrics,
    ...serverSettings(config, options.publicUrl),
    ...(options.checks && { checks: options.checks }),
    bodyLimit,
  })
  lifecycle.onStop('server', () => server.close())
  return { server, store, rights: rightsLink(deps) }
}
