import { join } from 'node:path'
import type { Door } from './door.ts'
import type { Environment } from './service-process.ts'

/** The services of docker-compose.yml that the tests start. */
export const names = ['identity', 'licensing', 'billing', 'audit'] as const
export type Name = (typeof names)[number]

/** What stands in docker-compose.yml, with places of this machine: no chain, `database` for theirs, doors for hosts. */
export function relocate(
  given: Environment,
  { database, folder, doors }: { database: string; folder: string; doors: Record<Name, Door> },
): Environment {
  const { CHAINS_FILE: _, ...environment } = given
  const moved = Object.entries(environment).map(([variable, value]) => {
    const [, host] = /^http:\/\/(\w+):8080$/.exec(value) ?? []
    const door = names.find((one) => one === host)
    const [, path] = /^(\/(?:deploy|mail).*)$/.exec(value) ?? []
    return [variable, door ? doors[door].url : path ? join(folder, path) : value]
  })
  return {
    ...Object.fromEntries(moved),
    DATABASE_URL: database,
    HOST: '127.0.0.1',
    PORT: '0',
    // What a killed process held is free again soon.
    LEASE_SECONDS: '1',
  }
}
