import {
  createMetrics,
  createServer,
  openServiceStore,
  serverSettings,
  systemEntropy,
} from '@tallystick/runtime'
import type { Authenticator, AuditSink, Entropy, HealthChecks, Lifecycle } from '@tallystick/runtime'
import type { Store } from '@tallystick/storage'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import { api } from './api.ts'
import { billingCollections } from './collections.ts'
import { readTaxTable, sellerOf } from './config.ts'
import type { BillingConfig } from './config.ts'
import { forgetCustomers, tellCustomers } from './customers/personal-records.ts'
import type { ForgottenCustomers, PersonToForget } from './customers/personal-records.ts'
import type { Deps } from './deps.ts'
import type { AccountsLink, RightsLink } from './links.ts'
import { fileMailer } from './mail/file-mailer.ts'
import { smtpMailer } from './mail/smtp-mailer.ts'
import { chooseProvider } from './payments/choose-provider.ts'
import { router } from './router.ts'
import { startLoops } from './start-loops.ts'
import { stripeWebhookRouter } from './stripe/webhook-route.ts'
import { tableTaxes } from './taxes/tax-table.ts'

/** A running billing service. */
export interface BillingService {
  server: FastifyInstance
  store: Store
  deps: Deps
  /** What billing keeps of persons. */
  personal: {
    holds: 'customers'
    tell(tenant: string, names: readonly string[]): ReturnType<typeof tellCustomers>
    forget(tenant: string, person: PersonToForget): Promise<ForgottenCustomers>
  }
}

// 1,000 usage events with items and dimensions.
const bodyLimit = 4 * 1024 * 1024

/** Opens the store, starts relays and jobs and builds the server; the caller listens. Stops with `lifecycle`. */
export async function startBilling(options: {
  config: BillingConfig
  keys: Authenticator
  sink: AuditSink
  rights: RightsLink
  accounts: AccountsLink
  log: Logger
  lifecycle: Lifecycle
  publicUrl?: string
  /** Beside the store, for /readyz. */
  checks?: HealthChecks
  /** Time, ids and randomness; the machine's own unless told. */
  entropy?: Entropy
}): Promise<BillingService> {
  const { config, keys, sink, rights, accounts, log, lifecycle } = options
  const entropy = options.entropy ?? systemEntropy()
  const store = await openServiceStore({
    config,
    service: 'billing',
    collections: billingCollections,
    log,
    lifecycle,
  })
  const { STRIPE_WEBHOOK_SECRET: secret } = config
  const { SMTP_URL: smtp, MAIL_FROM: from, MAIL_DIR: folder } = config
  const metrics = createMetrics({ process: true })
  const { provider, stripe } = chooseProvider(config, { store, now: entropy.now, log })
  const deps: Deps = {
    ...entropy,
    store,
    livemode: config.MODE === 'live',
    log,
    rights,
    accounts,
    provider,
    taxes: tableTaxes(readTaxTable(config.TAX_FILE)),
    lateUsageDays: config.LATE_USAGE_DAYS,
    mailer: smtp === undefined ? fileMailer(folder) : smtpMailer({ url: smtp, from }),
    seller: sellerOf(config),
  }
  const stopLoops = startLoops({
    ...deps,
    sink,
    metrics,
    stripe,
    owner: `${process.pid}-${Buffer.from(entropy.random(8)).toString('hex')}`,
    leaseMs: config.LEASE_SECONDS * 1000,
  })
  lifecycle.onStop('loops', stopLoops)
  const server = createServer({
    name: 'billing',
    description: 'Usage, prices, subscriptions, invoices, credits, payments and the ledger',
    router:
      stripe && secret !== undefined
        ? api.mergeRouters(router, stripeWebhookRouter({ stripe, secret }))
        : router,
    deps,
    log,
    keys,
    store,
    metrics,
    ...serverSettings(config, options.publicUrl),
    ...(options.checks && { checks: options.checks }),
    bodyLimit,
  })
  lifecycle.onStop('server', () => server.close())
  return {
    server,
    store,
    deps,
    personal: {
      holds: 'customers',
      tell: (tenant, names) => tellCustomers(deps, tenant, names),
      forget: (tenant, person) => forgetCustomers(deps, tenant, person),
    },
  }
}
