import { beginProcess, remoteKeys } from '@tallystick/runtime'
import { readConfig } from './config.ts'
import { readKeyFile } from './key-file.ts'
import { startAudit } from './start-audit.ts'

const config = readConfig()
const { log, lifecycle } = await beginProcess('audit', config)
const logKeys = readKeyFile(config.AUDIT_KEY_FILE, { create: false })
const keys = remoteKeys({ url: config.IDENTITY_URL })
const { server } = await startAudit({ config, keys, logKeys, log, lifecycle })
await server.listen({ host: config.HOST, port: config.PORT })
