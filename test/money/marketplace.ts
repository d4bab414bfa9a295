import { Fault, newId } from '@tallystick/protocol'
import type { Caller, RequestContext } from '@tallystick/runtime'
import { createLog, problemDocument } from '@tallystick/runtime'
import { collection, insert, StaleVersion } from '@tallystick/storage'
import type { Store } from '@tallystick/storage'
import { z } from 'zod'
import type { Deps } from '../../services/billing/src/deps.ts'
import { sandboxProvider } from '../../services/billing/src/payments/sandbox-provider.ts'
import { router } from '../../services/billing/src/router.ts'
import { tableTaxes, taxTable } from '../../services/billing/src/taxes/tax-table.ts'
import type { TaxTable } from '../../services/billing/src/taxes/tax-table.ts'
import type { Model } from './model.ts'
import { emptyModel } from './model.ts'
import type { Random } from './random.ts'
import type { SimulatedProcess } from './simulated-process.ts'

/** Requests that were answered, in place of the runtime's own records: a repetition gets the first answer. */
export const answeredRequests = collection('answered_requests', {
  schema: z.strictObject({ id: z.string(), answer: z.string() }),
  partition: 'id',
})

/** The billing service's procedures, as a client of one request calls them. */
export type Api = ReturnType<typeof router.createCaller>

/** One simulated marketplace: what it is, and what its clients know of it. */
export interface Marketplace {
  random: Random
  /** Two connections to one database, as of two copies of the service. */
  stores: readonly [Store, Store]
  tenant: string
  taxes: TaxTable
  /** Whether its customers follow the machine's clock; else they follow test clocks. */
  realTime: boolean
  /** Whether some follow the machine's clock beside others that follow a test clock. */
  mixed: boolean
  /** The machine's clock, in milliseconds. */
  machine: number
  model: Model
  /** Commits that its processes have made. */
  commits: number
  /** What was read already of the moment that is being looked at; absent while things happen. */
  seen?: Map<unknown, unknown>
  /** What the service itself has logged as going wrong. */
  troubles: string[]
}

const silent = createLog({ name: 'money', level: 'silent' })
export const beginning = Date.UTC(2027, 0, 1)

/** A marketplace without customers. */
export function openMarketplace(
  random: Random,
  stores: readonly [Store, Store],
  { tenant, realTime = false, mixed = false }: { tenant: string; realTime?: boolean; mixed?: boolean },
): Marketplace {
  const general = { inclusive: random.chance(0.3), rounding: random.pick(['line', 'invoice'] as const) }
  const rates = [
    { country: 'DE', taxes: [{ name: 'VAT', rate: '0.19', codes: { books: '0.07' } }], reverse_charge: true },
    { country: 'JP', taxes: [{ name: 'JCT', rate: '0.1' }] },
    { country: 'KW', taxes: ['0.0825', '0.015'].map((rate) => ({ name: `Levy of ${rate}`, rate })) },
  ]
  return {
    random,
    stores,
    tenant,
    taxes: taxTable.parse({ ...general, rates }),
    realTime,
    mixed,
    machine: beginning,
    model: emptyModel(),
    commits: 0,
    troubles: [],
  }
}

/** What the use-cases are given in a process of the marketplace. */
export function depsOf(market: Marketplace, process: SimulatedProcess): Deps {
  const { random } = market
  const now = () => new Date(market.machine)
  const trouble = (about: object, message: string) => {
    // Without an error it only tells that a provider kept silent; somebody else being faster is no trouble.
    const isTrouble = 'err' in about && !(about.err instanceof StaleVersion)
    if (!process.crashed && isTrouble) market.troubles.push(`${message}: ${describe(about)}`)
  }
  const log = Object.assign(Object.create(silent) as typeof silent, { warn: trouble, error: trouble })
  return {
    now,
    newId: (kind) => newId(kind, now(), random.bytes),
    random: random.bytes,
    store: process.store,
    livemode: false,
    log,
    rights: {
      check: async (_tenant, questions) =>
        questions.map(({ licenses, at }) =>
          licenses.some((license) => !holdsAt(market, license, at))
            ? { permitted: false, code: 'license_revoked' }
            : { permitted: true, code: 'license_active' },
        ),
      charges: async (_tenant, questions) =>
        questions.map(({ license }) => market.model.licenses.get(license)?.charge),
      revoke: async () => {},
    },
    accounts: { suspend: async () => {}, reactivate: async () => {} },
    provider: sandboxProvider({ store: process.store }),
    taxes: tableTaxes(market.taxes),
    mailer: { send: async () => {} },
    lateUsageDays: 35,
    seller: { name: 'Example Market', address: ['1 Main Street'] },
  }
}

/** Whether uses of a license are permitted at a moment. */
function holdsAt({ model }: Marketplace, license: string, at: Date): boolean {
  const found = model.licenses.get(license)?.charge
  if (!found) return false
  const { endedAt, effectiveUntil } = found
  return [endedAt, effectiveUntil].every((end) => end === undefined || at < end)
}

function describe({ err, ...about }: { err?: unknown }): string {
  return err instanceof Error ? (err.stack ?? err.message) : JSON.stringify(about)
}

/** The operator's client for one request; `key` is its idempotency key. */
export function clientOf(market: Marketplace, process: SimulatedProcess, key: string): Api {
  return router.createCaller(contextOf(depsOf(market, process), market.tenant, key))
}

function contextOf(deps: Deps, tenant: string, key: string): RequestContext<Deps> {
  const { store, log } = deps
  const caller: Caller = {
    tenant,
    account: tenant,
    role: 'operator',
    keyId: 'key_simulated',
    scopes: ['billing:write', 'billing:read', 'usage:write', 'usage:read', 'admin'],
    livemode: false,
    plan: 'default',
  }
  const id = `${tenant}:${key}`
  let changes = 0
  return {
    deps,
    caller,
    requestId: key,
    requestKey: id,
    log,
    upload() {
      throw new Error('nothing is uploaded here')
    },
    requestHeader: () => undefined,
    answer: { header() {}, status() {}, raw() {}, stream() {} },
    once: (plan) => {
      const change = `${id}:${changes++}`
      return store.attempt(async () => {
        const before = await store.get(answeredRequests, change)
        if (before) return JSON.parse(before.answer)
        const { writes, answer } = await plan()
        const answered = { id: change, answer: JSON.stringify(answer) }
        await store.commit([...writes, insert(answeredRequests, answered)])
        return answer
      })
    },
    byKey: (_call, run) => run(),
    authenticate: async () => caller,
    describe: ({ code, detail }) =>
      problemDocument.parse({
        type: 'https://example.com/errors',
        title: code,
        status: 400,
        detail,
        fix: 'None.',
        instance: '/',
        code,
        request_id: key,
      }),
  }
}

/** The refusal behind what a client was thrown, or undefined where it is none. */
export function faultOf(error: unknown): Fault | undefined {
  for (let one: unknown = error; one instanceof Error; one = one.cause) if (one instanceof Fault) return one
  return undefined
}
