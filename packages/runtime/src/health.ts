import type { Store } from '@tallystick/storage'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import type { Metrics } from './metrics.ts'

/** Checks by name; one that throws makes the service not ready. */
export type HealthChecks = Readonly<Record<string, () => Promise<void> | void>>

const checkTimeoutMs = 2000

/**
 * /livez answers while the process runs; /readyz asks the store and all checks, and says no once the server is
 * stopping; /metrics answers in the Prometheus text format. The checks are made once when the server begins to listen.
 */
export function registerHealth(
  server: FastifyInstance,
  parts: { store: Pick<Store, 'ping'> | undefined; checks: HealthChecks; metrics: Metrics; log: Logger },
): void {
  const { store, metrics, log } = parts
  const checks: HealthChecks = store ? { store: () => store.ping(), ...parts.checks } : parts.checks
  let stopping = false
  server.addHook('preClose', (done) => {
    stopping = true
    done()
  })
  // Whoever starts the service reads in its log what keeps it from being ready, before anything asks.
  server.addHook('onListen', (done) => {
    for (const [name, check] of Object.entries(checks)) void outcome(name, check, log)
    done()
  })
  server.get('/livez', async () => ({ status: 'ok' }))
  server.get('/readyz', async (_request, reply) => {
    const results = await Promise.all(
      Object.entries(checks).map(async ([name, check]) => [name, await outcome(name, check, log)] as const),
    )
    const ready = !stopping && results.every(([, result]) => result === 'ok')
    const status = stopping ? 'stopping' : ready ? 'ok' : 'not ready'
    return reply.code(ready ? 200 : 503).send({ status, checks: Object.fromEntries(results) })
  })
  server.get('/metrics', async (_request, reply) => {
    return reply.header('content-type', metrics.registry.contentType).send(await metrics.registry.metrics())
  })
}

/** `ok` or `failed`. The reason goes to the log: the endpoint is open to anyone. */
async function outcome(
  name: string,
  check: () => Promise<void> | void,
  log: Logger,
): Promise<'ok' | 'failed'> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`no answer in ${checkTimeoutMs} ms`)), checkTimeoutMs)
  try {
    await Promise.race([check(), late])
    return 'ok'
  } catch (error) {
    log.warn({ check: name, err: error }, 'readiness check failed')
    return 'failed'
  } finally {
    clearTimeout(timer)
  }
}
