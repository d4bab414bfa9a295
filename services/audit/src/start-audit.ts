import {
  createMetrics,
  createServer,
  loop,
  openServiceStore,
  serverSettings,
  systemEntropy,
} from '@tallystick/runtime'
import type { AuditSink, Authenticator, Lifecycle } from '@tallystick/runtime'
import type { Collection, Store } from '@tallystick/storage'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import { anchoredHeads, anchorProofs } from './anchor-proofs.ts'
import type { ChainConfig } from './anchoring/chain-config.ts'
import { anchorAccounts, anchors } from './anchoring/collections.ts'
import { auditMetrics } from './audit-metrics.ts'
import { chainClient } from './chain.ts'
import { batches, checkpoints, positions, queue, receipts, signingKeys, tiles } from './collections.ts'
import type { AuditConfig } from './config.ts'
import type { Deps } from './deps.ts'
import { eraseBodies } from './erase-bodies.ts'
import type { ErasureOutcome, ErasureSelection } from './erase-bodies.ts'
import type { AuditKeys } from './key-file.ts'
import { kmsClient } from './kms/kms-client.ts'
import { openKeys } from './kms/sealed-keys.ts'
import { logReader } from './log-reader.ts'
import { publishKeys, readKeySet } from './published-keys.ts'
import { recordEvents } from './record-events.ts'
import { requireOwnLog } from './require-own-log.ts'
import { router } from './router.ts'
import { signingPool } from './signing/signing-pool.ts'
import { startLoops } from './start-loops.ts'

/** What the audit service must keep; leases are left out, they are of this store's processes alone. */
export const auditCollections: Collection[] = [
  receipts,
  queue,
  batches,
  positions,
  tiles,
  checkpoints,
  signingKeys,
  anchors,
  anchorAccounts,
  anchorProofs,
]

/** A running audit service. */
export interface AuditService {
  server: FastifyInstance
  store: Store
  /** Where services in the same process record their events. */
  sink: AuditSink
  /** Where they have the bodies of their events forgotten. */
  erasure: { eraseBodies(tenant: string, selection: ErasureSelection): Promise<ErasureOutcome> }
  /** The log's C2SP verifier key. */
  logKey: string
}

const sequenceMs = 50
const keySetMs = 1000
// 1,000 records of a few kilobytes; a commit of them stays below what the storage takes.
const bodyLimit = 4 * 1024 * 1024

/** Opens the store, publishes keys, starts loops and builds the server; the caller listens. Stops with `lifecycle`. */
export async function startAudit(options: {
  config: AuditConfig & { chains: readonly ChainConfig[] }
  /** Who calls. */
  keys: Authenticator
  /** What is signed with. */
  logKeys: AuditKeys
  log: Logger
  lifecycle: Lifecycle
  publicUrl?: string
}): Promise<AuditService> {
  const { config, keys, logKeys, log, lifecycle } = options
  const entropy = systemEntropy()
  const origin = config.LOG_ORIGIN
  const metrics = createMetrics({ process: true })
  const measures = auditMetrics(metrics)
  const kms = kmsClient({
    onFailure: ({ operation, key, error }) => {
      measures.kmsFailures.inc({ operation, reason: error.code })
      log.warn({ operation, key, err: error }, 'the KMS did not do what was asked')
    },
  })
  const { signer, receiptKeys, checks } = await openKeys(logKeys, origin, kms)
  const store = await openServiceStore({
    config,
    service: 'audit',
    collections: auditCollections,
    log,
    lifecycle,
  })
  await requireOwnLog(store, { origin, signer })

  let keySet = await publishKeys({ store, origin, now: entropy.now }, receiptKeys)
  const pool = signingPool({
    keys: receiptKeys,
    threads: config.SIGNING_THREADS,
    onDeath: (cause) => log.error({ err: cause }, 'a signing thread died and is replaced'),
  })
  lifecycle.onStop('signing', () => pool.close())

  // What another copy signs with a key that it was given later must verify here too, and by evidence from here.
  const following = loop({
    name: 'key set',
    everyMs: keySetMs,
    run: async () => void (keySet = await readKeySet(store, origin)),
    log,
    metrics,
  })
  lifecycle.onStop('key set', () => following.stop())
  const chains = config.chains.map((chain) => chainClient(chain, kms))
  const loops = startLoops({
    store,
    origin,
    signer,
    chains,
    now: entropy.now,
    log,
    metrics,
    measures,
    owner: `${process.pid}-${Buffer.from(entropy.random(8)).toString('hex')}`,
    checkpointMs: config.CHECKPOINT_MS,
    sequenceMs,
    leaseMs: config.LEASE_SECONDS * 1000,
  })
  lifecycle.onStop('loops', () => loops.stop())

  const deps: Deps & { chains: typeof chains } = {
    ...entropy,
    store,
    origin,
    livemode: config.MODE === 'live',
    logKey: signer.verifierKey,
    mergeDelaySeconds: config.MERGE_DELAY_SECONDS,
    signReceipts: (payloads) => pool.signReceipts(payloads),
    keySet: () => keySet,
    log: logReader(store, origin),
    anchoredHeads: anchoredHeads(store, origin, chains),
    queued: loops.queued,
    chains,
  }
  const server = createServer({
    name: 'audit',
    description: 'Receipts, the Merkle log, its anchors and their proofs',
    router,
    deps,
    log,
    keys,
    store,
    checks,
    metrics,
    ...serverSettings(config, options.publicUrl),
    bodyLimit,
  })
  lifecycle.onStop('server', () => server.close())
  const sink: AuditSink = { record: (tenant, records) => recordEvents(deps, tenant, records) }
  const erasure: AuditService['erasure'] = {
    eraseBodies: (tenant, selection) => eraseBodies(deps, tenant, selection),
  }
  return { server, store, sink, erasure, logKey: signer.verifierKey }
}
