import { chainConfig, deployRegistry } from '@tallystick/audit'
import type { ChainConfig } from '@tallystick/audit'
import { createLifecycle, createLog, isWellFormedSecret, modeOfSecret } from '@tallystick/runtime'
import type { Lifecycle, Mode } from '@tallystick/runtime'
import type { ServerVariables } from './config.ts'
import { openDataFolder } from './data-folder.ts'
import type { DataFolder, Saved, SavedMode } from './data-folder.ts'
import { addOperatorKey, foundMarketplace, makeSandboxKey } from './first-keys.ts'
import { openFront } from './front.ts'
import { localChainId, startLocalChain } from './local-chain.ts'
import { startStack } from './start-stack.ts'
import type { Stack } from './start-stack.ts'

/** A standalone server that listens. What has no mode in its name is of test mode. */
export interface Standalone {
  url: string
  testKey: string
  /** Known at the first start only, and then only when they were made here and not given. */
  operatorKeys: Readonly<Record<Mode, string | undefined>>
  chainRpc: string
  chain: string
  contract: string
  logKey: string
  origin: string
  lifecycle: Lifecycle
}

/** What a standalone server is started with. `port` 0 takes a free one. */
export interface StandaloneOptions {
  port: number
  dataDirectory: string
  logLevel: string
  /** An operator's key to be used in place of a new one, in its mode. */
  operatorKey?: string | undefined
  /** How often the local chain gets a head while a log grows, in milliseconds. */
  anchorEveryMs?: number
  /** Variables of every service's server, as the environment would tell them. */
  serverVariables?: ServerVariables | undefined
}

const shutdownMs = 20_000

/**
 * Starts every service in both modes, with SQLite in `dataDirectory` and a local chain, on one port of the loopback
 * interface.
 */
export async function startStandalone(options: StandaloneOptions): Promise<Standalone> {
  const { operatorKey: given } = options
  if (given !== undefined && !isWellFormedSecret(given))
    throw new Error('TALLYSTICK_OPERATOR_KEY is no API key: it is sk_test_… or sk_live_… with a checksum')
  const log = createLog({ name: 'standalone', level: options.logLevel })
  const lifecycle = createLifecycle({ log, timeoutMs: shutdownMs })
  try {
    const folder = openDataFolder(options.dataDirectory)
    lifecycle.onStop('data folder', () => folder.release())
    const saved = folder.read() ?? { origin: `localhost/${Date.now().toString(36)}`, test: {}, live: {} }
    const chain = await startLocalChain({ stateFile: folder.path('chain.json') })
    lifecycle.onStop('local chain', () => chain.stop())
    const front = await openFront({ port: options.port, log })
    // Here for a start that fails; again below, so that it is the first to stop.
    lifecycle.onStop('front', () => front.close())
    const open = (mode: Mode) =>
      openMode(mode, {
        folder,
        saved,
        log,
        lifecycle,
        given,
        publicUrl: front.urlOf(mode),
        rpcUrl: chain.rpcUrl,
        privateKey: chain.privateKeys[mode],
        anchorEveryMs: options.anchorEveryMs ?? 2000,
        serverVariables: options.serverVariables,
      })
    const starts = [open('test'), open('live')] as const
    // A failure of one stops everything, so the other must have come to its end too.
    await Promise.allSettled(starts)
    const [test, live] = await Promise.all(starts)
    await front.serve({ test: test.stack.services, live: live.stack.services })
    lifecycle.onStop('front', () => front.close())
    return {
      url: front.url,
      testKey: test.saved.sandboxKey ?? '',
      operatorKeys: { test: test.operatorKey, live: live.operatorKey },
      chainRpc: chain.rpcUrl,
      chain: localChainId,
      contract: test.saved.contract ?? '',
      logKey: test.stack.audit.logKey,
      origin: saved.origin,
      lifecycle,
    }
  } catch (error) {
    await lifecycle.stop('the start failed')
    throw error
  }
}

interface ModeOptions {
  folder: DataFolder
  saved: Saved
  log: Parameters<typeof startStack>[0]['log']
  lifecycle: Lifecycle
  given: string | undefined
  publicUrl: string
  rpcUrl: string
  privateKey: string
  anchorEveryMs: number
  serverVariables: ServerVariables | undefined
}

/** Starts one mode, and makes what it lacks at its first start: a contract, a marketplace, keys. */
async function openMode(
  mode: Mode,
  options: ModeOptions,
): Promise<{ stack: Stack; saved: SavedMode; operatorKey: string | undefined }> {
  const { folder, saved, log, lifecycle, publicUrl, serverVariables } = options
  const own = saved[mode]
  const origin = mode === 'live' ? `${saved.origin}/live` : saved.origin
  const chain = await prepareChain(options, own, origin)
  own.contract = chain.contract ?? ''
  folder.write(saved)
  const stack = await startStack({
    mode,
    origin,
    chain,
    publicUrl,
    log,
    lifecycle,
    serverVariables,
    databaseFolder: folder.path('db'),
    mailFolder: folder.path(`mail-${mode}`),
    logKeyFile: folder.path(mode === 'live' ? 'audit-keys-live.json' : 'audit-keys.json'),
  })
  const given =
    options.given !== undefined && modeOfSecret(options.given) === mode ? options.given : undefined
  let operatorKey: string | undefined
  if (own.tenant === undefined) {
    const founded = await foundMarketplace(stack.identity, given)
    own.tenant = founded.tenant
    if (given === undefined) operatorKey = founded.operatorKey
  } else if (given !== undefined) await addOperatorKey(stack.identity, own.tenant, given)
  if (mode === 'test') own.sandboxKey ??= await makeSandboxKey(stack.identity, own.tenant)
  folder.write(saved)
  return { stack, saved: own, operatorKey }
}

async function prepareChain(
  { rpcUrl, privateKey, anchorEveryMs }: ModeOptions,
  { contract: deployed }: SavedMode,
  origin: string,
): Promise<ChainConfig> {
  const config = chainConfig.parse({
    id: localChainId,
    rpcUrls: [rpcUrl],
    ...(deployed && { contract: deployed }),
    privateKey,
    // The local chain makes a block only when there is something to put into it, and never forks.
    confirmations: 1,
    everyMs: anchorEveryMs,
    pollMs: 250,
  })
  const { contract } = await deployRegistry(config, origin)
  return chainConfig.parse({ ...config, contract })
}
