import { createLifecycle, createLog, remoteKeys, startTelemetry } from '@tallystick/runtime'
import { readConfig } from './config.ts'
import { readKeyFile } from './key-file.ts'
import { startAudit } from './start-audit.ts'

const config = readConfig()
const log = createLog({ name: 'audit', level: config.LOG_LEVEL })
const lifecycle = createLifecycle({ log, timeoutMs: config.SHUTDOWN_SECONDS * 1000 })
lifecycle.handleSignals()
const endpoint = config.OTEL_EXPORTER_OTLP_ENDPOINT
lifecycle.onStop('telemetry', await startTelemetry({ serviceName: 'audit', endpoint }))
const logKeys = readKeyFile(config.AUDIT_KEY_FILE, { create: false })
const keys = remoteKeys({ url: config.IDENTITY_URL })
const { server } = await startAudit({ config, keys, logKeys, log, lifecycle })
await server.listen({ host: config.HOST, port: config.PORT })
