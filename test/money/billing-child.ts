import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { createLifecycle, createLog, loadConfig, systemEntropy } from '@tallystick/runtime'
import type { AuditSink, Caller } from '@tallystick/runtime'
import { billingConfig } from '../../services/billing/src/config.ts'
import { startBilling } from '../../services/billing/src/start-billing.ts'

// The billing service alone, to be killed: `node billing-child.ts FOLDER`. Everything is loaded, it waits for a line on
// its standard input, how far ahead its clock is in milliseconds, and then starts and prints its address.

const [folder = ''] = process.argv.slice(2)
const [line] = (await once(createInterface(process.stdin), 'line')) as [string]
const aheadMs = Number(line)
const log = createLog({ name: 'billing-child', level: 'error' })
const lifecycle = createLifecycle({ log, timeoutMs: 10_000 })
lifecycle.handleSignals()

const operator: Caller = {
  tenant: 'acct_killed',
  account: 'acct_killed',
  role: 'operator',
  keyId: 'key_killed',
  scopes: ['billing:write', 'billing:read', 'usage:write', 'usage:read', 'admin'],
  livemode: false,
  plan: 'unlimited',
}
const sink: AuditSink = {
  record: async (_tenant, records) => records.map(({ event }) => ({ status: 'recorded', event })),
}
const { server } = await startBilling({
  config: loadConfig(billingConfig, {
    DATABASE_URL: `sqlite:${folder}`,
    LEASE_SECONDS: '1',
    MAIL_DIR: `${folder}/mail`,
  }),
  keys: { authenticate: async () => operator },
  sink,
  rights: {
    check: async (_tenant, questions) => questions.map(() => ({ permitted: true, code: 'license_active' })),
    charges: async (_tenant, questions) => questions.map(() => undefined),
    revoke: async () => {},
  },
  accounts: { suspend: async () => {}, reactivate: async () => {} },
  log,
  lifecycle,
  // Each start is later than the one before, so that what waits for its time comes to it.
  entropy: systemEntropy(() => new Date(Date.now() + aheadMs)),
})
console.log(await server.listen({ host: '127.0.0.1', port: 0 }))
