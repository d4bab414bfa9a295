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

/** What licensing asks the audit service when records have to be forgotten. */
export interface AuditErasure {
  /** Erases bodies and salts of a page of a tenant's records; receipts and proofs keep verifying. Idempotent. */
  eraseBodies(tenant: string, selection: BodySelection): Promise<ErasedBodies>
}

/** Which bodies to erase: those that name `subject`, those of `ids`, or all from before `before`. */
export interface BodySelection {
  subject?: string
  /** Audit ids of records, 1,000 at most. */
  ids?: readonly string[]
  before?: Date
  /** Records that name one of these keep their bodies. */
  keepLicenses: readonly string[]
  keepItems: readonly string[]
  /** Where the page before ended. */
  after?: string
  /** Changes nothing. */
  dryRun?: boolean
}

/** What one page of an erasure came to. */
export interface ErasedBodies {
  /** How many bodies were erased, or would be. */
  erased: number
  /** The audit ids of their records. */
  ids: readonly string[]
  /** In a dry run: what would be erased, with the licenses that it names. */
  records?: readonly { id: string; licenses: readonly string[] }[] | undefined
  /** Where the next page begins; absent when there is none. */
  next?: string | undefined
}

/** What another service keeps of a person under any of these names, and how it forgets it. */
export interface PersonalRecords {
  /** What it keeps: accounts (identity), or customers with their invoices (billing). */
  holds: 'accounts' | 'customers'
  /** Its records of the person, as it tells them over HTTP. */
  tell(tenant: string, names: readonly string[]): Promise<Record<string, unknown>[]>
  /** Puts the pseudonym in place of the person; what must stay is told with why. Idempotent, in its answer too. */
  forget(tenant: string, subject: { names: readonly string[]; pseudonym: string }): Promise<Forgotten>
}

/** What a service forgot of a person, and what it kept. */
export interface Forgotten {
  erased: { object: string; id: string }[]
  kept: { object: string; id: string; reason: string }[]
}

/** What the use-cases of the licensing service are given. Built in start-licensing.ts. */
export interface Deps extends Entropy {
  store: Store
  livemode: boolean
  identity: IdentityLink
  erasure: AuditErasure
  /** The other services that keep personal data. */
  elsewhere?: readonly PersonalRecords[] | undefined
  /** Where callers reach this service, without a slash at its end. */
  publicUrl: string
  log: Logger
}
