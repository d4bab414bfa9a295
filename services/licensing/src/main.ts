import {
  createLifecycle,
  createLog,
  httpAuditSink,
  readServiceKey,
  remoteKeys,
  serviceKeyCheck,
  startTelemetry,
} from '@tallystick/runtime'
import { readConfig } from './config.ts'
import { httpErasure, httpIdentity, httpPersonalRecords, unknownPersonalRecords } from './http-links.ts'
import { startLicensing } from './start-licensing.ts'

const config = readConfig()
const log = createLog({ name: 'licensing', level: config.LOG_LEVEL })
const lifecycle = createLifecycle({ log, timeoutMs: config.SHUTDOWN_SECONDS * 1000 })
lifecycle.handleSignals()
const endpoint = config.OTEL_EXPORTER_OTLP_ENDPOINT
lifecycle.onStop('telemetry', await startTelemetry({ serviceName: 'licensing', endpoint }))
const key = readServiceKey(config)
const keys = remoteKeys({ url: config.IDENTITY_URL })
const audit = { url: config.AUDIT_URL, key }
const identity = { url: config.IDENTITY_URL, key }
const customers =
  config.BILLING_URL === undefined
    ? unknownPersonalRecords('customers')
    : httpPersonalRecords('customers', { url: config.BILLING_URL, key })
const { server } = await startLicensing({
  config,
  keys,
  checks: { service_key: serviceKeyCheck({ key, keys }) },
  sink: httpAuditSink(audit),
  identity: httpIdentity(identity),
  erasure: httpErasure(audit),
  elsewhere: [customers, httpPersonalRecords('accounts', identity)],
  log,
  lifecycle,
})
await server.listen({ host: config.HOST, port: config.PORT })
