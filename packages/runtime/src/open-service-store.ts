import { openStore } from '@tallystick/storage'
import type { Collection, Store } from '@tallystick/storage'
import type { Logger } from 'pino'
import { leases, leaseTerms } from './lease.ts'
import type { Lifecycle } from './lifecycle.ts'

/**
 * Opens the database of a service in its mode, with the leases of its processes, and closes it with `lifecycle`. Throws
 * for a database without transactions: a change and its event would not be one commit.
 */
export async function openServiceStore(options: {
  config: { DATABASE_URL: string; MODE: string }
  service: string
  collections: readonly Collection[]
  log: Logger
  lifecycle: Lifecycle
}): Promise<Store> {
  const { config, service, collections, log, lifecycle } = options
  const store = await openStore(config.DATABASE_URL, {
    name: `${service}-${config.MODE}`,
    collections: [...collections, leases, leaseTerms],
    log: (message, fields) => log.info(fields, message),
  })
  lifecycle.onStop('store', () => store.close())
  if (!store.transactions) {
    throw new Error(
      'The database has no transactions; use a MongoDB replica set or sharded cluster, or sqlite:DIR',
    )
  }
  return store
}
