import type { Entropy } from '@tallystick/runtime'
import type { Store } from '@tallystick/storage'
import type { Logger } from 'pino'

/** The names that one party goes by in a tenant. */
export interface Party {
  /** Its account, when it has one. */
  account?: string | undefined
  /** The tenant's own reference for that account. */
  reference?: string | undefined
}

/** What licensing asks the identity service: over HTTP in production, in the same process in standalone. */
export interface IdentityLink {
  /** The party behind an account id or a reference of the tenant's own; undefined for one that has no account. */
  resolveParty(tenant: string, reference: string): Promise<Party | undefined>
}

/** What the use-cases of the licensing service are given. Built in start-licensing.ts. */
export interface Deps extends Entropy {
  store: Store
  livemode: boolean
  identity: IdentityLink
  log: Logger
}
