import { beginProcess, httpAuditSink, readServiceKey, remoteKeys, serviceKeyCheck } from '@tallystick/runtime'
import { readConfig } from './config.ts'
import { httpErasure, httpIdentity, httpPersonalRecords, unknownPersonalRecords } from './http-links.ts'
import { startLicensing } from './start-licensing.ts'

const config = readConfig()
const { log, lifecycle } = await beginProcess('licensing', config)
const key = readServiceKey(config)
const keys = remoteKeys({ url: config.IDENTITY_URL })
const audit = { url: config.AUDIT_URL, key }
const identity = { url: config.IDENTITY_URL, key }
const customers =
  config.BILLING_URL === undefined
    ? unknownPersonalRecords('customers')
    : httpPersonalRecords('customers', { url: config.BILLING_URL, key })
const { server } = await startLicensing({
  config,
  keys,
  checks: { service_key: serviceKeyCheck({ key, keys }) },
  sink: httpAuditSink(audit),
  identity: httpIdentity(identity),
  erasure: httpErasure(audit),
  elsewhere: [customers, httpPersonalRecords('accounts', identity)],
  log,
  lifecycle,
})
await server.listen({ host: config.HOST, port: config.PORT })
