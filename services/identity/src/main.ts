import { beginProcess, httpAuditSink, readServiceKey } from '@tallystick/runtime'
import { readConfig } from './config.ts'
import { startIdentity } from './start-identity.ts'

const config = readConfig()
const { log, lifecycle } = await beginProcess('identity', config)
const serviceKey = readServiceKey(config)
const sink = httpAuditSink({ url: config.AUDIT_URL, key: serviceKey })
const { server } = await startIdentity({ config, sink, serviceKey, log, lifecycle })
await server.listen({ host: config.HOST, port: config.PORT })
