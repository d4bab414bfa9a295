import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { anchorCosts, auditCollections, chainClient, chainConfig, deployRegistry } from '@tallystick/audit'
import type { ChainConfig } from '@tallystick/audit'
import { billingCollections } from '@tallystick/billing'
import { CommandError, exitStatus } from '@tallystick/evidence/tally'
import type { Command } from '@tallystick/evidence/tally'
import { createKey, foundTenant, identityCollections, operatorScopes } from '@tallystick/identity'
import { licensingCollections } from '@tallystick/licensing'
import { scope } from '@tallystick/protocol'
import { formatSecret, systemEntropy } from '@tallystick/runtime'
import type { Mode } from '@tallystick/runtime'
import { copyStore, openStore } from '@tallystick/storage'
import type { Store } from '@tallystick/storage'
import { z } from 'zod'
import { kmsTelling, logKeysCommand } from './log-keys-command.ts'

/** The commands of `tally` for those who run the services: databases, chains and keys. */
export const operatorCommands: Record<string, Command> = {
  storage: {
    summary: 'copy the databases of all services to another store, and check the copy',
    usage: 'tally storage copy FROM TO [--mode test|live]   (as in DATABASE_URL; stop the services first)',
    async run(args, io) {
      const { positionals, mode } = read(args, operatorCommands['storage'])
      const [verb, from, to] = positionals
      if (verb !== 'copy' || !from || !to || positionals.length > 3) throw misuse(operatorCommands['storage'])
      let total = 0
      for (const service of Object.keys(collections) as ServiceName[]) {
        const place = { service, mode }
        await withStore(from, place, (source) =>
          withStore(to, place, async (target) => {
            for (const copied of await copyStore(source, target, collections[service])) {
              const { collection, documents, digest } = copied
              total += documents
              io.out(
                `${service.padEnd(10)} ${collection.padEnd(18)} ${String(documents).padStart(9)} documents   ${digest}`,
              )
            }
          }),
        )
      }
      // A mistyped folder is an empty store, and a copy of nothing must not pass for a copy.
      if (total === 0) throw new CommandError(`${from} holds nothing in ${mode} mode`, exitStatus.notVerified)
      io.out('Both stores hold the same documents.')
      return exitStatus.ok
    },
  },
  anchor: {
    summary: 'deploy the contract to the chains of a file, tell who pays there and what anchoring cost',
    usage:
      'tally anchor account CHAINS_FILE\n       tally anchor deploy CHAINS_FILE ORIGIN\n' +
      '       tally anchor costs DATABASE_URL CHAINS_FILE ORIGIN [--mode test|live]',
    async run(args, io) {
      const { positionals, mode } = read(args, operatorCommands['anchor'])
      const [verb, ...rest] = positionals
      if (verb === 'account' && rest.length === 1) {
        const [file = ''] = rest
        for (const config of readChains(file)) {
          const account = await chainClient(config, kmsTelling(io)).sender()
          io.out(`${config.id}  account ${account}`)
        }
        return exitStatus.ok
      }
      if (verb === 'deploy' && rest.length === 2) {
        const [file = '', origin = ''] = rest
        for (const chain of readChains(file)) {
          const { contract, publisher, gasUsed } = await deployRegistry(chain, origin, kmsTelling(io))
          io.out(`${chain.id}  contract ${contract}  publisher ${publisher}  gas ${gasUsed ?? 0}`)
        }
        return exitStatus.ok
      }
      if (verb === 'costs' && rest.length === 3) {
        const [url = '', file = '', origin = ''] = rest
        await withStore(url, { service: 'audit', mode }, async (store) => {
          for (const { id, contract = '' } of readChains(file)) {
            const costs = await anchorCosts(store, { chain: id, contract, origin })
            io.out(`${id}  ${costs.anchors} anchors  ${costs.gasUsed} gas  ${costs.total} wei`)
            io.out(`  ${costs.perAnchor} wei an anchor, ${costs.perThousandReceipts} wei for 1,000 receipts`)
          }
        })
        return exitStatus.ok
      }
      throw misuse(operatorCommands['anchor'])
    },
  },
  tenant: {
    summary: 'found a marketplace; the secret of its first key is shown once',
    usage: 'tally tenant create DATABASE_URL --name NAME [--platform] [--mode test|live]   (of identity)',
    async run(args, io) {
      const { positionals, mode, name, platform } = read(args, operatorCommands['tenant'])
      const [verb, url] = positionals
      if (verb !== 'create' || !url || !name) throw misuse(operatorCommands['tenant'])
      await withStore(url, { service: 'identity', mode }, async (store) => {
        const entropy = systemEntropy()
        const secret = formatSecret(mode, entropy.random(32))
        const granted = platform ? [...operatorScopes, 'platform' as const] : operatorScopes
        const { writes, answer } = foundTenant({ ...entropy, mode }, { name, scopes: granted }, secret)
        await store.commit(writes)
        io.out(`${answer.account.id}\n${answer.key.id}\n${secret}`)
      })
      return exitStatus.ok
    },
  },
  'log-keys': logKeysCommand,
  'api-key': {
    summary: 'create an API key; its secret is shown once',
    usage:
      'tally api-key create DATABASE_URL --tenant ID --scopes audit:write,audit:read [--mode test|live]   (of identity)',
    async run(args, io) {
      const { positionals, mode, tenant, scopes, name } = read(args, operatorCommands['api-key'])
      const [verb, url] = positionals
      if (verb !== 'create' || !url || !tenant || !scopes) throw misuse(operatorCommands['api-key'])
      await withStore(url, { service: 'identity', mode }, async (store) => {
        const entropy = systemEntropy()
        const secret = formatSecret(mode, entropy.random(32))
        const granted = z.array(scope).parse(scopes.split(','))
        const operator = { tenant, account: tenant, role: 'operator', scopes: granted } as const
        const input = { name: name ?? 'made by tally', scopes: granted }
        const { writes, answer } = await createKey({ ...entropy, store }, operator, input, secret)
        await store.commit(writes)
        io.out(`${answer.id}\n${secret}`)
      })
      return exitStatus.ok
    },
  },
}

function read(args: string[], command: Command | undefined) {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        mode: { type: 'string', default: 'test' },
        tenant: { type: 'string' },
        scopes: { type: 'string' },
        name: { type: 'string' },
        platform: { type: 'boolean', default: false },
      },
    })
    if (values.mode !== 'test' && values.mode !== 'live') throw new Error('--mode takes test or live')
    return { ...values, positionals, mode: values.mode } as const
  } catch (error) {
    throw misuse(command, error instanceof Error ? error.message : '')
  }
}

function misuse(command: Command | undefined, why = 'the call is incomplete'): CommandError {
  return new CommandError(`${why}\nUsage: ${command?.usage ?? ''}`, exitStatus.badInput)
}

function readChains(file: string): ChainConfig[] {
  try {
    return chainConfig.array().parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch {
    throw new CommandError(`${file} is no list of chains; docs/operations.md shows one`, exitStatus.badInput)
  }
}

const collections = {
  identity: identityCollections,
  licensing: licensingCollections,
  billing: billingCollections,
  audit: auditCollections,
}
type ServiceName = keyof typeof collections

async function withStore(
  url: string,
  { service, mode }: { service: ServiceName; mode: Mode },
  work: (store: Store) => Promise<void>,
): Promise<void> {
  const name = `${service}-${mode}`
  // Keys and accounts are announced to the audit service: what a command writes waits in the outbox for the service.
  const store = await openStore(url, { name, collections: collections[service] })
  try {
    await work(store)
  } finally {
    await store.close()
  }
}
