import { chainConfig, deployRegistry, auditConfig, readKeyFile, startAudit } from '@tallystick/audit'
import type { ChainConfig } from '@tallystick/audit'
import type { Scope } from '@tallystick/protocol'
import { createLifecycle, createLog, loadConfig } from '@tallystick/runtime'
import type { KeyStore, Lifecycle } from '@tallystick/runtime'
import { openDataFolder } from './data-folder.ts'
import type { Saved } from './data-folder.ts'
import { localChainId, startLocalChain } from './local-chain.ts'

/** A standalone server that listens. */
export interface Standalone {
  url: string
  testKey: string
  operatorKey: string
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
  /** How often the local chain gets a head while the log grows, in milliseconds. */
  anchorEveryMs?: number
}

const shutdownMs = 20_000
const tenant = 'acct_standalone'
const testScopes: Scope[] = ['audit:write', 'audit:read']
const operatorScopes: Scope[] = [...testScopes, 'admin']

/** Starts every service, with SQLite in `dataDirectory` and a local chain, on one port of the loopback interface. */
export async function startStandalone(options: StandaloneOptions): Promise<Standalone> {
  const log = createLog({ name: 'standalone', level: options.logLevel })
  const lifecycle = createLifecycle({ log, timeoutMs: shutdownMs })
  try {
    const folder = openDataFolder(options.dataDirectory)
    lifecycle.onStop('data folder', () => folder.release())
    const saved = folder.read() ?? { origin: `localhost/${Date.now().toString(36)}` }
    const local = await startLocalChain({ stateFile: folder.path('chain.json') })
    lifecycle.onStop('local chain', () => local.stop())
    const chain = await prepareChain({ ...local, everyMs: options.anchorEveryMs ?? 2000 }, saved)
    folder.write({ ...saved, contract: chain.contract ?? '' })

    const config = loadConfig(auditConfig, {
      DATABASE_URL: `sqlite:${folder.path('db')}`,
      LOG_ORIGIN: saved.origin,
      SIGNING_THREADS: '1',
      CHECKPOINT_MS: '500',
      // The folder's lock lets no second process in: after a crash there is nobody to wait for.
      LEASE_SECONDS: '1',
    })
    const keys = readKeyFile(folder.path('audit-keys.json'), { create: true })
    const audit = await startAudit({ config: { ...config, chains: [chain] }, keys, log, lifecycle })
    const secrets = await firstKeys(audit.apiKeys, saved)
    folder.write({ ...saved, ...secrets, contract: chain.contract ?? '' })
    const url = await audit.server.listen({ host: '127.0.0.1', port: options.port })
    return {
      url,
      ...secrets,
      chainRpc: local.rpcUrl,
      chain: chain.id,
      contract: chain.contract ?? '',
      logKey: audit.logKey,
      origin: saved.origin,
      lifecycle,
    }
  } catch (error) {
    await lifecycle.stop('the start failed')
    throw error
  }
}

async function prepareChain(
  { rpcUrl, privateKey, everyMs }: { rpcUrl: string; privateKey: string; everyMs: number },
  saved: Saved,
): Promise<ChainConfig> {
  const config = chainConfig.parse({
    id: localChainId,
    rpcUrls: [rpcUrl],
    ...(saved.contract && { contract: saved.contract }),
    privateKey,
    // The local chain makes a block only when there is something to put into it, and never forks.
    confirmations: 1,
    everyMs,
    pollMs: 250,
  })
  const { contract } = await deployRegistry(config, saved.origin)
  return chainConfig.parse({ ...config, contract })
}

async function firstKeys(keys: KeyStore, saved: Saved): Promise<{ testKey: string; operatorKey: string }> {
  const make = async (name: string, scopes: Scope[]) =>
    (await keys.createKey({ tenant, scopes, mode: 'test', name })).secret
  return {
    testKey: saved.testKey ?? (await make('standalone test key', testScopes)),
    operatorKey: saved.operatorKey ?? (await make('standalone operator key', operatorScopes)),
  }
}
