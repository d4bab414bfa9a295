import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { anchorCosts, auditCollections, chainConfig, deployRegistry } from '@tallystick/audit'
import type { ChainConfig } from '@tallystick/audit'
import { CommandError, exitStatus } from '@tallystick/evidence/tally'
import type { Command } from '@tallystick/evidence/tally'
import { scope } from '@tallystick/protocol'
import { keyStore, systemEntropy } from '@tallystick/runtime'
import { copyStore, openStore } from '@tallystick/storage'
import type { Store } from '@tallystick/storage'
import { z } from 'zod'

/** The commands of `tally` for those who run the services: databases, chains and keys. */
export const operatorCommands: Record<string, Command> = {
  storage: {
    summary: 'copy a database to another store, and check the copy',
    usage: 'tally storage copy FROM TO [--mode test|live]   (as in DATABASE_URL; stop the service first)',
    async run(args, io) {
      const { positionals, mode } = read(args, operatorCommands['storage'])
      const [verb, from, to] = positionals
      if (verb !== 'copy' || !from || !to || positionals.length > 3) throw misuse(operatorCommands['storage'])
      await withStore(from, mode, (source) =>
        withStore(to, mode, async (target) => {
          for (const { collection, documents, digest } of await copyStore(source, target, auditCollections)) {
            io.out(`${collection.padEnd(18)} ${String(documents).padStart(9)} documents   ${digest}`)
          }
        }),
      )
      io.out('Both stores hold the same documents.')
      return exitStatus.ok
    },
  },
  anchor: {
    summary: 'deploy the contract to the chains of a file, or tell what anchoring cost',
    usage:
      'tally anchor deploy CHAINS_FILE ORIGIN\n       tally anchor costs DATABASE_URL CHAINS_FILE ORIGIN [--mode test|live]',
    async run(args, io) {
      const { positionals, mode } = read(args, operatorCommands['anchor'])
      const [verb, ...rest] = positionals
      if (verb === 'deploy' && rest.length === 2) {
        const [file = '', origin = ''] = rest
        for (const chain of readChains(file)) {
          const { contract, publisher, gasUsed } = await deployRegistry(chain, origin)
          io.out(`${chain.id}  contract ${contract}  publisher ${publisher}  gas ${gasUsed ?? 0}`)
        }
        return exitStatus.ok
      }
      if (verb === 'costs' && rest.length === 3) {
        const [url = '', file = '', origin = ''] = rest
        await withStore(url, mode, async (store) => {
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
  'api-key': {
    summary: 'create an API key; its secret is shown once',
    usage: 'tally api-key create DATABASE_URL --tenant ID --scopes audit:write,audit:read [--mode test|live]',
    async run(args, io) {
      const { positionals, mode, tenant, scopes } = read(args, operatorCommands['api-key'])
      const [verb, url] = positionals
      if (verb !== 'create' || !url || !tenant || !scopes) throw misuse(operatorCommands['api-key'])
      await withStore(url, mode, async (store) => {
        const keys = keyStore(store, { ...systemEntropy(), mode })
        const { id, secret } = await keys.createKey({
          tenant,
          scopes: z.array(scope).parse(scopes.split(',')),
          mode,
        })
        io.out(`${id}\n${secret}`)
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
      },
    })
    if (values.mode !== 'test' && values.mode !== 'live') throw new Error('--mode takes test or live')
    return { positionals, mode: values.mode, tenant: values.tenant, scopes: values.scopes } as const
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

async function withStore(
  url: string,
  mode: 'test' | 'live',
  work: (store: Store) => Promise<void>,
): Promise<void> {
  const store = await openStore(url, { name: `audit-${mode}`, collections: auditCollections })
  try {
    await work(store)
  } finally {
    await store.close()
  }
}
