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
import { httpErasure, httpIdentity } from './http-links.ts'
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
const { server } = await startLicensing({
  config,
  keys,
  checks: { service_key: serviceKeyCheck({ key, keys }) },
  sink: httpAuditSink(audit),
  identity: httpIdentity({ url: config.IDENTITY_URL, key }),
  erasure: httpErasure(audit),
  log,
  lifecycle,
})
await server.listen({ host: config.HOST, port: config.PORT })
