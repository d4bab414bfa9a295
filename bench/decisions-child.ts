// The licensing service as a process of its own, with an empty route beside its own: node decisions-child.ts DIR TENANT.
import { apiKeys, createLifecycle, createLog, keyStore, loadConfig, systemEntropy } from '@tallystick/runtime'
import type { AuditSink } from '@tallystick/runtime'
import { licensingConfig, startLicensing } from '@tallystick/licensing'
import { openStore } from '@tallystick/storage'

/** What the process tells once it listens. */
export interface DecisionsListening {
  url: string
  /** An operator's key. */
  key: string
}

const [, , directory = '', tenant = ''] = process.argv
const log = createLog({ name: 'decisions-bench', level: 'error' })
const lifecycle = createLifecycle({ log, timeoutMs: 20_000 })
lifecycle.handleSignals()
const config = loadConfig(licensingConfig, { DATABASE_URL: `sqlite:${directory}`, LEASE_SECONDS: '1' })
const keysAt = await openStore(config.DATABASE_URL, { name: 'keys', collections: [apiKeys] })
lifecycle.onStop('keys', () => keysAt.close())
const keys = keyStore(keysAt, { ...systemEntropy(), mode: config.MODE })
// Receipts are promised here and made elsewhere: what the audit service costs is measured by its own benchmark.
const sink: AuditSink = {
  record: async (_, records) => records.map(({ event }) => ({ status: 'recorded', event })),
}
const identity = { resolveParty: async () => undefined }
const erasure = { eraseBodies: async () => ({ erased: 0, ids: [] }) }
const { server } = await startLicensing({ config, keys, sink, identity, erasure, log, lifecycle })
server.get('/bare', (_request, reply) => reply.send({ status: 'ok' }))
const url = await server.listen({ host: '127.0.0.1', port: 0 })
const { secret } = await keys.createKey({
  tenant,
  account: tenant,
  role: 'operator',
  plan: 'unlimited',
  scopes: ['decisions:write'],
  mode: 'test',
})
process.on('message', () => {
  const { user, system } = process.cpuUsage()
  process.send?.({ rss: process.memoryUsage().rss, cpuMicros: user + system })
})
process.on('disconnect', () => process.kill(process.pid, 'SIGTERM'))
process.send?.({ url, key: secret } satisfies DecisionsListening)
