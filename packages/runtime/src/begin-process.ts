import { z } from 'zod'
import { commonConfig } from './config.ts'
import { createLifecycle } from './lifecycle.ts'
import type { Lifecycle } from './lifecycle.ts'
import { createLog } from './log.ts'
import { startTelemetry } from './telemetry.ts'

const common = z.object(commonConfig)

/** What the process of each service begins with: its log, a lifecycle that signals end, and traces where they are wanted. */
export async function beginProcess(
  service: string,
  config: Pick<z.output<typeof common>, 'LOG_LEVEL' | 'SHUTDOWN_SECONDS' | 'OTEL_EXPORTER_OTLP_ENDPOINT'>,
): Promise<{ log: ReturnType<typeof createLog>; lifecycle: Lifecycle }> {
  const log = createLog({ name: service, level: config.LOG_LEVEL })
  const lifecycle = createLifecycle({ log, timeoutMs: config.SHUTDOWN_SECONDS * 1000 })
  lifecycle.handleSignals()
  const endpoint = config.OTEL_EXPORTER_OTLP_ENDPOINT
  lifecycle.onStop('telemetry', await startTelemetry({ serviceName: service, endpoint }))
  return { log, lifecycle }
}
