// The billing service as a process of its own: node usage-child.ts DIR TENANT. Rights are permitted, receipts promised.
import { apiKeys, createLifecycle, createLog, keyStore, loadConfig, systemEntropy } from '@tallystick/runtime'
import type { AuditSink } from '@tallystick/runtime'
import { billingConfig, startBilling } from '@tallystick/billing'
import { openStore } from '@tallystick/storage'

/** What the process tells once it listens. */
export interface UsageListening {
  url: string
  /** An operator's key. */
  key: string
}

const [, , directory = '', tenant = ''] = process.argv
const log = createLog({ name: 'usage-bench', level: 'error' })
const lifecycle = createLifecycle({ log, timeoutMs: 20_000 })
lifecycle.handleSignals()
const config = loadConfig(billingConfig, {
  DATABASE_URL: `sqlite:${directory}`,
  LEASE_SECONDS: '1',
  MAIL_DIR: `${directory}/mail`,
})
const keysAt = await openStore(config.DATABASE_URL, { name: 'keys', collections: [apiKeys] })
lifecycle.onStop('keys', () => keysAt.close())
const keys = keyStore(keysAt, { ...systemEntropy(), mode: config.MODE })
// What licensing and the audit service cost is measured by their own benchmarks.
const sink: AuditSink = {
  record: async (_, records) => records.map(({ event }) => ({ status: 'recorded', event })),
}
const { server } = await startBilling({
  config,
  keys,
  sink,
  rights: {
    check: async (_, questions) => questions.map(() => ({ permitted: true, code: 'license_active' })),
    charges: async (_tenant, questions) => questions.map(() => undefined),
    revoke: async () => undefined,
  },
  accounts: { suspend: async () => undefined, reactivate: async () => undefined },
  log,
  lifecycle,
})
server.get('/bare', (_request, reply) => reply.send({ status: 'ok' }))
const url = await server.listen({ host: '127.0.0.1', port: 0 })
const { secret } = await keys.createKey({
  tenant,
  account: tenant,
  role: 'operator',
  plan: 'unlimited',
  scopes: ['usage:write', 'usage:read', 'billing:write'],
  mode: 'test',
})
process.on('message', () => {
  const { user, system } = process.threadCpuUsage()
  process.send?.({ rss: process.memoryUsage().rss, cpuMicros: user + system })
})
process.on('disconnect', () => process.kill(process.pid, 'SIGTERM'))
process.send?.({ url, key: secret } satisfies UsageListening)
