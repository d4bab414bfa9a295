import { auditConfig, readKeyFile, startAudit } from '@tallystick/audit'
import type { AuditService, ChainConfig } from '@tallystick/audit'
import { billingConfig, rightsOf, startBilling } from '@tallystick/billing'
import type { BillingService } from '@tallystick/billing'
import { identityConfig, startIdentity } from '@tallystick/identity'
import type { IdentityLink, IdentityService } from '@tallystick/identity'
import { licensingConfig, startLicensing } from '@tallystick/licensing'
import type { PersonalRecords } from '@tallystick/licensing'
import { loadConfig } from '@tallystick/runtime'
import type { Authenticator, createLog, Lifecycle, Mode } from '@tallystick/runtime'
import type { ServerVariables } from './config.ts'
import type { FrontService } from './front.ts'

/** All services of one mode. */
export interface Stack {
  mode: Mode
  identity: IdentityService
  audit: AuditService
  services: readonly FrontService[]
}

/** What one mode's services are started with. */
export interface StackOptions {
  mode: Mode
  databaseFolder: string
  /** Where letters are written. */
  mailFolder: string
  logKeyFile: string
  origin: string
  chain: ChainConfig
  publicUrl: string
  /** Variables of every service's server, as the environment would tell them. */
  serverVariables?: ServerVariables | undefined
  log: ReturnType<typeof createLog>
  lifecycle: Lifecycle
}

/** Starts every service of a mode, each with a database of its own; what they ask each other are direct calls. */
export async function startStack(options: StackOptions): Promise<Stack> {
  const { mode, chain, publicUrl, lifecycle } = options
  const log = options.log.child({ mode })
  const common = { log, lifecycle, publicUrl }
  const variables = {
    ...options.serverVariables,
    DATABASE_URL: `sqlite:${options.databaseFolder}`,
    MODE: mode,
    // The folder's lock lets no second process in: after a crash there is nobody to wait for.
    LEASE_SECONDS: '1',
  }
  // Audit starts first, to stop last: the others hand their events over until they have stopped.
  const identityStarted = Promise.withResolvers<IdentityLink>()
  const keys: Authenticator = {
    authenticate: async (secret) => (await identityStarted.promise).authenticate(secret),
  }
  const config = loadConfig(auditConfig, {
    ...variables,
    LOG_ORIGIN: options.origin,
    SIGNING_THREADS: '1',
    CHECKPOINT_MS: '500',
  })
  const logKeys = readKeyFile(options.logKeyFile, { create: true })
  const audit = await startAudit({ ...common, config: { ...config, chains: [chain] }, keys, logKeys })
  const { sink, erasure } = audit

  const identity = await startIdentity({ ...common, config: loadConfig(identityConfig, variables), sink })
  identityStarted.resolve(identity.link)

  // Billing asks licensing for rights, and so starts behind it.
  const billingStarted = Promise.withResolvers<BillingService>()
  const customers: PersonalRecords = {
    holds: 'customers',
    tell: async (tenant, names) => (await billingStarted.promise).personal.tell(tenant, names),
    forget: async (tenant, person) => (await billingStarted.promise).personal.forget(tenant, person),
  }
  const licensing = await startLicensing({
    ...common,
    config: loadConfig(licensingConfig, variables),
    keys: identity.link,
    identity: identity.link,
    sink,
    erasure,
    elsewhere: [customers, identity.link.personal],
  })
  const billing = await startBilling({
    ...common,
    config: loadConfig(billingConfig, { ...variables, MAIL_DIR: options.mailFolder }),
    keys: identity.link,
    rights: rightsOf(licensing.rights),
    accounts: identity.link,
    sink,
  })
  billingStarted.resolve(billing)
  return {
    mode,
    identity,
    audit,
    services: [
      { name: 'identity', ...identity },
      { name: 'licensing', ...licensing },
      { name: 'billing', ...billing },
      { name: 'audit', ...audit },
    ],
  }
}
