// The audit service as a process of its own, so that the load does not run on its thread: node audit-child.ts DIR ORIGIN.
import { join } from 'node:path'
import { auditConfig, readKeyFile, startAudit } from '@tallystick/audit'
import { apiKeys, createLifecycle, createLog, keyStore, loadConfig, systemEntropy } from '@tallystick/runtime'
import { openStore } from '@tallystick/storage'

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
const logKeys = readKeyFile(join(directory, 'keys.json'), { create: true })
const keysAt = await openStore(config.DATABASE_URL, { name: 'identity-bench', collections: [apiKeys] })
lifecycle.onStop('keys', () => keysAt.close())
const keys = keyStore(keysAt, { ...systemEntropy(), mode: config.MODE })
const audit = await startAudit({ config: { ...config, chains: [] }, keys, logKeys, log, lifecycle })
const url = await audit.server.listen({ host: '127.0.0.1', port: 0 })
const startMs = performance.now() - started
const { secret } = await keys.createKey({
  tenant: 'acct_bench',
  plan: 'unlimited',
  scopes: ['audit:write', 'audit:read'],
  mode: 'test',
})
process.on('message', () => {
  const { user, system } = process.threadCpuUsage()
  process.send?.({ rss: process.memoryUsage().rss, cpuMicros: user + system })
})
process.on('disconnect', () => process.kill(process.pid, 'SIGTERM'))
process.send?.({ url, key: secret, logKey: audit.logKey, startMs } satisfies Listening)
