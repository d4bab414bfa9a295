import { licensingConfig, startLicensing } from '@tallystick/licensing'
import { apiKeys, createLifecycle, createLog, keyStore, loadConfig, systemEntropy } from '@tallystick/runtime'
import { openStore } from '@tallystick/storage'

// A copy of the licensing service as a process of the tests: `licensing-child.ts DATABASE_URL` prints its URL.

const [databaseUrl = ''] = process.argv.slice(2)
const log = createLog({ name: 'licensing-child', level: 'fatal' })
const lifecycle = createLifecycle({ log, timeoutMs: 5000 })
const keysAt = await openStore(databaseUrl, { name: 'identity-test', collections: [apiKeys] })
const { server } = await startLicensing({
  config: loadConfig(licensingConfig, { DATABASE_URL: databaseUrl, LEASE_SECONDS: '1' }),
  keys: keyStore(keysAt, { ...systemEntropy(), mode: 'test' }),
  sink: { record: async (_, records) => records.map(({ event }) => ({ status: 'recorded', event })) },
  identity: { resolveParty: async () => undefined },
  erasure: { eraseBodies: async () => ({ erased: 0, ids: [] }) },
  log,
  lifecycle,
})
process.stdout.write(`${await server.listen({ host: '127.0.0.1', port: 0 })}\n`)
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'))
