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
import { httpAccounts, httpLicensing, rightsOf } from './http-links.ts'
import { startBilling } from './start-billing.ts'

const config = readConfig()
const log = createLog({ name: 'billing', level: config.LOG_LEVEL })
const lifecycle = createLifecycle({ log, timeoutMs: config.SHUTDOWN_SECONDS * 1000 })
lifecycle.handleSignals()
const endpoint = config.OTEL_EXPORTER_OTLP_ENDPOINT
lifecycle.onStop('telemetry', await startTelemetry({ serviceName: 'billing', endpoint }))
const key = readServiceKey(config)
const keys = remoteKeys({ url: config.IDENTITY_URL })
const { server } = await startBilling({
  config,
  keys,
  checks: { service_key: serviceKeyCheck({ key, keys }) },
  sink: httpAuditSink({ url: config.AUDIT_URL, key }),
  rights: rightsOf(httpLicensing({ url: config.LICENSING_URL, key })),
  accounts: httpAccounts({ url: config.IDENTITY_URL, key }),
  log,
  lifecycle,
})
await server.listen({ host: config.HOST, port: config.PORT })
