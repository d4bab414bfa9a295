#!/usr/bin/env node
import { auditCollections } from '@tallystick/audit'
import { commands, exitStatus, tally } from '@tallystick/evidence/tally'
import type { Command } from '@tallystick/evidence/tally'
import { copyStore, openStore } from '@tallystick/storage'

/** `tally storage copy FROM TO`: moves a service's documents between any two stores, and checks what arrived. */
const storageCommand: Command = {
  summary: 'copy a database to another store, and check the copy',
  usage:
    'tally storage copy FROM TO [--name audit-test]   (FROM and TO as in DATABASE_URL; stop the service first)',
  async run(args, io) {
    const [verb, from, to, flag, name = 'audit-test'] = args
    const wellFormed = verb === 'copy' && from && to && (flag === undefined || flag === '--name')
    if (!wellFormed || !/^audit-(test|live)$/.test(name)) {
      io.err(`Usage: ${storageCommand.usage}`)
      return exitStatus.badInput
    }
    const source = await openStore(from, { name, collections: auditCollections })
    try {
      const target = await openStore(to, { name, collections: auditCollections })
      try {
        for (const { collection, documents, digest } of await copyStore(source, target, auditCollections)) {
          io.out(`${collection.padEnd(18)} ${String(documents).padStart(9)} documents   ${digest}`)
        }
      } finally {
        await target.close()
      }
    } finally {
      await source.close()
    }
    io.out('Both stores hold the same documents.')
    return exitStatus.ok
  },
}

process.stdout.on('error', () => process.exit(exitStatus.notVerified))
process.exitCode = await tally(process.argv.slice(2), undefined, { ...commands, storage: storageCommand })
