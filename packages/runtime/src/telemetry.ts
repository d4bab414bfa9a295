import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import type { FastifyRequest } from 'fastify'

let tracing = false

/**
 * Starts OpenTelemetry traces when an endpoint is configured; without one, nothing is loaded and requests pay nothing.
 * Resolves to a function that sends what is left and stops.
 */
export async function startTelemetry(config: {
  serviceName: string
  endpoint: string | undefined
}): Promise<() => Promise<void>> {
  if (!config.endpoint) return () => Promise.resolve()
  // The SDK reads the endpoint, headers and sampling from the standard OTEL_ variables itself.
  const { NodeSDK } = await import('@opentelemetry/sdk-node')
  const sdk = new NodeSDK({
    serviceName: config.serviceName,
    // Left out, the SDK would start OTLP exporters for these two as well.
    metricReaders: [],
    logRecordProcessors: [],
  })
  sdk.start()
  tracing = true
  return async () => {
    tracing = false
    await sdk.shutdown()
  }
}

/** Runs `handle` in a server span that continues the caller's trace; does nothing more while telemetry is off. */
export function traceRequest<R extends { readonly statusCode: number }>(
  request: FastifyRequest,
  handle: () => Promise<R>,
): Promise<R> {
  if (!tracing) return handle()
  const parent = propagation.extract(context.active(), request.headers)
  const route = request.routeOptions.url ?? 'unknown'
  const tracer = trace.getTracer('tallystick')
  const attributes = {
    'http.request.method': request.method,
    'http.route': route,
    'tallystick.request_id': request.id,
  }
  return tracer.startActiveSpan(
    `${request.method} ${route}`,
    { kind: SpanKind.SERVER, attributes },
    parent,
    async (span) => {
      try {
        const reply = await handle()
        span.setAttribute('http.response.status_code', reply.statusCode)
        return reply
      } catch (error) {
        span.recordException(error instanceof Error ? error : String(error))
        span.setStatus({ code: SpanStatusCode.ERROR })
        throw error
      } finally {
        span.end()
      }
    },
  )
}
