import {
  createLifecycle,
  createLog,
  httpAuditSink,
  readServiceKey,
  startTelemetry,
} from '@tallystick/runtime'
import { readConfig } from './config.ts'
import { startIdentity } from './start-identity.ts'

const config = readConfig()
const log = createLog({ name: 'identity', level: config.LOG_LEVEL })
const lifecycle = createLifecycle({ log, timeoutMs: config.SHUTDOWN_SECONDS * 1000 })
lifecycle.handleSignals()
const endpoint = config.OTEL_EXPORTER_OTLP_ENDPOINT
lifecycle.onStop('telemetry', await startTelemetry({ serviceName: 'identity', endpoint }))
const serviceKey = readServiceKey(config)
const sink = httpAuditSink({ url: config.AUDIT_URL, key: serviceKey })
const { server } = await startIdentity({ config, sink, serviceKey, log, lifecycle })
await server.listen({ host: config.HOST, port: config.PORT })
