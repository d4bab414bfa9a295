export { auditEvent, auditEvents, auditRecordsOf, auditRelay } from './audit-events.ts'
export type { AuditOutcome, AuditSink } from './audit-events.ts'
export { createApi } from './api.ts'
export type {
  Answer,
  Authenticator,
  Caller,
  Plan,
  ProcedureExample,
  ProcedureMeta,
  RequestContext,
  RestRoute,
} from './api.ts'
export { authenticateRequest } from './authenticate.ts'
export { beginProcess } from './begin-process.ts'
export { commonConfig, ConfigError, configTable, loadConfig } from './config.ts'
export { bodyOf, callService } from './call-service.ts'
export type { RemoteService } from './call-service.ts'
export { csvLine } from './csv-line.ts'
export { createServer } from './create-server.ts'
export type { ServerOptions } from './create-server.ts'
export { systemEntropy } from './entropy.ts'
export type { Entropy } from './entropy.ts'
export { serverSettings } from './server-settings.ts'
export type { HealthChecks } from './health.ts'
export { httpAuditSink } from './http-audit-sink.ts'
export { formatSecret, isWellFormedSecret, modeOfSecret } from './api-key-secret.ts'
export type { Mode } from './api-key-secret.ts'
export { apiKeys, endOfKey, isUsable, planKey, planRevocation, planRotation } from './api-keys.ts'
export type { ApiKey } from './api-keys.ts'
export { idempotency } from './idempotency/records.ts'
export { keyStore } from './keys.ts'
export type { CreatedKey, KeyStore } from './keys.ts'
export { remoteKeys } from './remote-keys.ts'
export { createLifecycle } from './lifecycle.ts'
export type { Lifecycle } from './lifecycle.ts'
export { createLog } from './log.ts'
export { createMetrics } from './metrics.ts'
export type { Metrics } from './metrics.ts'
export { problemDocument } from './problem.ts'
export type { ProblemDocument } from './problem.ts'
export {
  acquireLease,
  fenced,
  holdLease,
  isFencedOff,
  leases,
  leaseTerms,
  releaseLease,
  renewLease,
} from './lease.ts'
export type { HeldLease, Lease, LeaseOptions } from './lease.ts'
export { leaderLoop } from './leader-loop.ts'
export type { LeaderLoopOptions, Step } from './leader-loop.ts'
export { linkConfig, readServiceKey } from './link-config.ts'
export { serviceKeyCheck } from './service-key-check.ts'
export { loop } from './loop.ts'
export type { Loop, LoopOptions } from './loop.ts'
export { mergeOpenApi } from './merge-openapi.ts'
export { openServiceStore } from './open-service-store.ts'
export { outbox, outboxEvent } from './outbox.ts'
export type { OutboxEvent } from './outbox.ts'
export { cursorChecked, listPage, pageQuery, toPage } from './page.ts'
export type { ListOf, PageQuery } from './page.ts'
export { defaultRatePlans, publicPlan } from './rate-plans.ts'
export type { RatePlans } from './rate-plans.ts'
export { connectionFault, refuseConnection } from './refuse-connection.ts'
export { relay } from './relay.ts'
export type { RelayOptions } from './relay.ts'
export { operators, overseers, parties, reachesTenant } from './roles.ts'
