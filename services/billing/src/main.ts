import { beginProcess, httpAuditSink, readServiceKey, remoteKeys, serviceKeyCheck } from '@tallystick/runtime'
import { readConfig } from './config.ts'
import { httpAccounts, httpLicensing, rightsOf } from './http-links.ts'
import { startBilling } from './start-billing.ts'

const config = readConfig()
const { log, lifecycle } = await beginProcess('billing', config)
const key = readServiceKey(config)
const keys = remoteKeys({ url: config.IDENTITY_URL })
const { server } = await startBilling({
  config,
  keys,
  checks: { service_key: serviceKeyCheck({ key, keys }) },
  sink: httpAuditSink({ url: config.AUDIT_URL, key }),
  rights: rightsOf(httpLicensing({ url: config.LICENSING_URL, key })),
  accounts: httpAccounts({ url: config.IDENTITY_URL, key }),
  log,
  lifecycle,
})
await server.listen({ host: config.HOST, port: config.PORT })
