import { parseArgs } from 'node:util'
import { readLogLevel, readOperatorKey, readServerVariables, readStartedByNpm } from './config.ts'
import { endWithNpm } from './end-with-npm.ts'
import { startStandalone } from './start-standalone.ts'
import type { Standalone } from './start-standalone.ts'

const usage = `Usage: npm start -- [--port N] [--data DIR] [--json]

  --port N     port to listen on (default 8787; 0 takes a free one)
  --data DIR   folder for databases, keys and the local chain (default ./data)
  --json       print one JSON line with url, keys (operators' at the first start only), chain and contract`

/** The flags of the standalone server. Throws with a message for a person. */
function readFlags(args: string[]) {
  const { values } = parseArgs({
    args,
    options: {
      port: { type: 'string', default: '8787' },
      data: { type: 'string', default: 'data' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  const port = Number(values.port)
  if (!/^\d{1,5}$/.test(values.port) || port > 65_535)
    throw new Error('--port takes a number from 0 to 65535')
  return { ...values, port }
}

/** The lines for keys that are told this once; they are kept nowhere. */
function firstKeys({ operatorKeys: { test, live } }: Standalone): string {
  const lines = [
    ...(test === undefined ? [] : [`  Operator key    ${test}\n`]),
    ...(live === undefined ? [] : [`  Live operator   ${live}\n`]),
  ]
  return lines.length === 0
    ? ''
    : `${lines.join('')}                  (told this once: keep operators' keys)\n`
}

try {
  const flags = readFlags(process.argv.slice(2))
  if (flags.help) {
    console.log(usage)
    process.exit(0)
  }
  const logLevel = readLogLevel(flags.json ? 'silent' : 'warn')
  const operatorKey = readOperatorKey()
  const server = await startStandalone({
    port: flags.port,
    dataDirectory: flags.data,
    logLevel,
    operatorKey,
    serverVariables: readServerVariables(),
  })
  server.lifecycle.handleSignals()
  endWithNpm(readStartedByNpm())
  if (flags.json) {
    const { url, testKey, operatorKeys, chainRpc, contract, logKey } = server
    const facts = {
      url,
      test_key: testKey,
      operator_key: operatorKeys.test ?? null,
      live_operator_key: operatorKeys.live ?? null,
      chain_rpc: chainRpc,
      contract,
      log_key: logKey,
    }
    console.log(JSON.stringify(facts))
  } else {
    console.log(`Tallystick listens on ${server.url}   (stop it with Ctrl-C; the data stays in ${flags.data})

  API reference   ${server.url}/docs
  Test key        ${server.testKey}
${firstKeys(server)}  Log             ${server.url}/log/checkpoint
  Log key         ${server.logKey}
  Local chain     ${server.chainRpc}   AnchorRegistry ${server.contract}`)
  }
} catch (error) {
  console.error(`tallystick: ${error instanceof Error ? error.message : String(error)}\n\n${usage}`)
  process.exit(1)
}
