// The audit service as a process of its own, so that the load does not run on its thread: node audit-child.ts DIR ORIGIN.
import { join } from 'node:path'
import { auditConfig, readKeyFile, startAudit } from '@tallystick/audit'
import { createLifecycle, createLog, loadConfig } from '@tallystick/runtime'

/** What the process tells once it listens. */
export interface Listening {
  url: string
  key: string
  logKey: string
  /** From the call of startAudit until it listened. */
  startMs: number
}

const [, , directory = '', origin = ''] = process.argv
const started = performance.now()
const log = createLog({ name: 'audit-bench', level: 'error' })
const lifecycle = createLifecycle({ log, timeoutMs: 20_000 })
lifecycle.handleSignals()
const config = loadConfig(auditConfig, {
  DATABASE_URL: `sqlite:${directory}`,
  LOG_ORIGIN: origin,
  CHECKPOINT_MS: '500',
  LEASE_SECONDS: '1',
})
const keys = readKeyFile(join(directory, 'keys.json'), { create: true })
const audit = await startAudit({ config: { ...config, chains: [] }, keys, log, lifecycle })
const url = await audit.server.listen({ host: '127.0.0.1', port: 0 })
const startMs = performance.now() - started
const { secret } = await audit.apiKeys.createKey({
  tenant: 'acct_bench',
  scopes: ['audit:write', 'audit:read'],
  mode: 'test',
})
process.on('message', () => process.send?.({ rss: process.memoryUsage().rss }))
process.on('disconnect', () => process.kill(process.pid, 'SIGTERM'))
process.send?.({ url, key: secret, logKey: audit.logKey, startMs } satisfies Listening)
