import type { Store } from '@tallystick/storage'
import { expireGrants } from '../../services/billing/src/credits/expire-grants.ts'
import { resolvePayments } from '../../services/billing/src/payments/resolve-payments.ts'
import * as alerting from './alert-steps.ts'
import { wrongWithAlerts } from './check-alerts.ts'
import { readMoney, wrongWithMoney } from './check-money.ts'
import { overdueCredit, unexplainedLines, wrongStanding } from './check-subscriptions.ts'
import { wrongWithCharges, wrongWithUsage } from './check-usage.ts'
import { wrongWithLicenses } from './check-licenses.ts'
import { atOnce, interleave } from './interleave.ts'
import { endLicense, newLicense } from './license-steps.ts'
import { clientOf, depsOf, faultOf, openMarketplace } from './marketplace.ts'
import type { Api, Marketplace } from './marketplace.ts'
import * as money from './money-steps.ts'
import { seededRandom } from './random.ts'
import { changeCustomer, setUp } from './set-up.ts'
import { startProcess } from './simulated-process.ts'
import type { SimulatedProcess } from './simulated-process.ts'
import { action } from './steps.ts'
import type { Action, Step } from './steps.ts'
import * as subscribing from './subscription-steps.ts'
import * as using from './usage-steps.ts'

/** What happens in marketplaces, by what they are about. */
const themes: Readonly<Record<string, readonly Step[]>> = {
  thresholds: [using.reportUsage, using.reportUsage, alerting.setThreshold, alerting.endThreshold],
  usage: [using.reportUsage, using.reportUsage, using.reportUsage, using.correctUsage, using.rebuildMeter],
  subscriptions: [subscribing.subscribe, subscribing.changeSubscription, subscribing.endSubscription],
  licenses: [
    using.reportUsage,
    subscribing.subscribe,
    subscribing.changeSubscription,
    newLicense,
    endLicense,
  ],
  invoices: [money.writeInvoice, money.finalizeInvoice, money.dealWithInvoice, money.dealWithInvoice],
  credits: [money.grantCredit, money.grantCredit, money.voidGrant],
  payments: [money.authorize, money.movePayment, money.movePayment, changeCustomer],
}
const everything = Object.values(themes).flat()
// Late usage takes several steps to come about, so more marketplaces are about usage.
const subjects = ['usage', 'usage', 'usage', ...Object.keys(themes)]
/** What a client may never ask again, so that the service itself has to find out what became of it. */
const abandoned = new Set(['authorize', 'capture', 'refund', 'void payment', 'pay', 'confirm'])
const acceptable = new Set([
  // Somebody else was faster: whoever still wants it asks again.
  'conflict',
  'invalid_state',
  'validation_failed',
  'reference_not_found',
  'not_found',
  'event_conflict',
  'already_exists',
])

/** What a run did: how often each action ended in which way. */
export type Tally = Map<string, number>

/** How clients reach the service: in process unless told. */
type Connect = (market: Marketplace, key: string) => Api

interface Run {
  market: Marketplace
  theme: readonly Step[]
  connect: Connect | undefined
  trace: string[]
  tally: Tally
  /** After how many commits everything was right. */
  rightAt?: number
}

/** Lives through one random marketplace. Throws with all that is wrong at the first step after which anything is. */
export async function simulate(
  seed: number,
  stores: readonly [Store, Store],
  { length, tally = new Map(), connect }: { length: number; tally?: Tally; connect?: Connect },
): Promise<void> {
  const random = seededRandom(seed)
  const realTime = connect === undefined && random.chance(0.1)
  const mixed = connect === undefined && !realTime && random.chance(0.15)
  const market = openMarketplace(random, stores, { tenant: tenantOf(seed), realTime, mixed })
  const theme = themes[market.random.pick(subjects)] ?? everything
  const run: Run = { market, theme, connect, trace: [], tally }
  try {
    for (const one of setUp(market)) await ask(run, one, processOf(market))
    const threshold = random.chance(0.3) ? await alerting.setThreshold(market) : undefined
    if (threshold) await ask(run, threshold, processOf(market))
    for (let step = 0; step < length; step++) {
      await takeStep(run, step)
      await requireRight(run)
    }
    await bringToAnEnd(run)
  } catch (error) {
    const said = error instanceof Error ? (error.stack ?? error.message) : String(error)
    throw new Error(`MONEY_SEED=${seed} fails:\n${run.trace.join('\n')}\n${said}`, { cause: error })
  }
}

/** The marketplace of a seed. */
export function tenantOf(seed: number): string {
  return `acct_simulated_${seed}`
}

function processOf(market: Marketplace, which: 0 | 1 = 0, turn = atOnce): SimulatedProcess {
  const { stores, tenant } = market
  return startProcess(stores[which], { tenant, turn, committed: () => void market.commits++ })
}

async function takeStep(run: Run, step: number): Promise<void> {
  const { random } = run.market
  if (random.chance(0.05)) return resolve(run)
  const one = await nextStep(run, step)(run.market)
  if (!one) return
  const kind = random.below(100)
  if (kind < 15 && !run.connect) return crashing(run, one)
  const other = kind < 27 ? await rival(run, one) : undefined
  return other ? race(run, one, other) : ask(run, one, processOf(run.market))
}

/** Mostly what the marketplace is about; most begin with a subscription, and time passes in all. */
function nextStep({ market: { random }, theme }: Run, step: number): Step {
  if (step === 0 && random.chance(0.8)) return subscribing.subscribe
  if (random.chance(0.25)) return subscribing.letTimePass
  return random.pick(random.chance(0.6) ? theme : everything)
}

/** Asks once. A refusal is an answer as good as any; what the service did not foresee is not. */
async function ask(run: Run, { name, key, run: deed }: Action, process: SimulatedProcess): Promise<void> {
  const { market, trace, connect } = run
  try {
    const client = connect ? connect(market, key) : clientOf(market, process, key)
    await deed(client, depsOf(market, process))
    note(run, name, process.crashed ? 'crashed' : 'done')
  } catch (error) {
    const fault = faultOf(error)
    if (process.crashed) return note(run, name, 'crashed')
    note(run, name, fault?.code ?? 'failed')
    if (!fault || !acceptable.has(fault.code)) throw causeOf(error)
    trace.push(`    ${fault.detail} ${JSON.stringify(fault.errors ?? '')}`)
  }
}

function causeOf(error: unknown): unknown {
  return error instanceof Error && error.cause instanceof Error ? causeOf(error.cause) : error
}

function note({ trace, tally }: Run, name: string, outcome: string): void {
  trace.push(`  ${name}: ${outcome}`)
  const entry = `${name}: ${outcome}`
  tally.set(entry, (tally.get(entry) ?? 0) + 1)
}

/** The service dies on the way, perhaps several times; the client asks again until it is told. */
async function crashing(run: Run, one: Action): Promise<void> {
  const { market } = run
  const { random } = market
  for (let again = 0; ; again++) {
    const process = processOf(market)
    if (again < 3) process.crashAt(random.between(1, 5), random.pick(['before', 'after'] as const))
    await ask(run, one, process)
    if (!process.crashed) return
    await requireRightMoney(run)
    if (abandoned.has(one.name) && random.chance(0.3)) return
    if (random.chance(0.2)) await resolve(run)
  }
}

/** Something that is asked at the same moment: the same kind of thing, or any other. */
async function rival({ market }: Run, one: Action): Promise<Action | undefined> {
  if (market.random.chance(0.4)) return action(market, one.name, one.run)
  return market.random.pick(everything)(market)
}

/** Two copies of the service are asked at once; one may die. */
async function race(run: Run, one: Action, other: Action): Promise<void> {
  const { market, trace } = run
  const { random } = market
  trace.push(`  race of ${one.name} and ${other.name}`)
  if (run.connect) {
    await Promise.all([one, other].map((racer) => ask(run, racer, processOf(market))))
    return
  }
  const dying = random.chance(0.2) ? random.below(2) : undefined
  const died: Action[] = []
  const results = await interleave(
    random,
    [one, other].map((racer, place) => async (turn) => {
      const process = processOf(market, place === 0 ? 0 : 1, turn)
      if (place === dying) process.crashAt(random.between(1, 4), random.pick(['before', 'after'] as const))
      await ask(run, racer, process)
      if (process.crashed) died.push(racer)
    }),
  )
  for (const result of results) if (result.status === 'rejected') throw result.reason
  if (died.length > 0) await requireRightMoney(run)
  for (const racer of died) await ask(run, racer, processOf(market))
}

/** The job that finds out what became of payments whose outcome nobody knows. */
async function resolve(run: Run): Promise<void> {
  const { market } = run
  market.machine += market.random.pick([61_000, 600_000, 90_000_000])
  note(
    run,
    'resolve',
    `${await resolvePayments(depsOf(market, processOf(market)))} payments`.replace(/[1-9]\d*/, 'some'),
  )
}

async function requireRightMoney({ market }: Run): Promise<void> {
  const wrong = [...market.troubles, ...(await wrongWithMoney(market))]
  if (wrong.length > 0) throw new Error(wrong.join('\n'))
}

async function requireRight(run: Run): Promise<void> {
  const { market, connect } = run
  // Nothing has changed since it was right; what is reached over HTTP commits by itself.
  if (!connect && market.commits === run.rightAt && market.troubles.length === 0) return
  market.seen = new Map()
  await requireRightMoney(run)
  const wrong = [
    ...(await wrongWithUsage(market)),
    ...(await wrongWithCharges(market)),
    ...(await wrongWithAlerts(market)),
    ...(await wrongStanding(market)),
    ...(await wrongWithLicenses(market)),
  ]
  delete market.seen
  run.rightAt = market.commits
  if (wrong.length > 0) throw new Error(wrong.join('\n'))
}

/** Time passes until all late usage is invoiced, every intent has its answer, and meters counted anew say the same. */
async function bringToAnEnd(run: Run): Promise<void> {
  const { market } = run
  for (let times = 0; times < 2; times++) {
    for (const passing of subscribing.letAllTimePass(market)) await ask(run, await passing, processOf(market))
    market.machine += 90_000_000
    const deps = depsOf(market, processOf(market))
    await resolvePayments(deps)
    await expireGrants(deps, deps.now())
    await requireRight(run)
  }
  for (const { id } of market.model.meters) {
    const rebuild = action(market, 'rebuild', (api) => api.meters.rebuild({ meter_id: id }))
    await ask(run, rebuild, processOf(market))
  }
  await requireRight(run)
  const wrong = [...(await unexplainedLines(market)), ...(await overdueCredit(market))]
  if (wrong.length > 0) throw new Error(wrong.join('\n'))
  await tallyEnds(run)
}

/** What the run came to, to see that runs go everywhere. */
async function tallyEnds({ market, tally }: Run): Promise<void> {
  const { invoices, payments, grants } = await readMoney(market)
  const ends = [
    ...invoices.map(({ status }) => `invoice ${status}`),
    ...invoices.flatMap(({ lines }) => lines.map(({ kind }) => `line ${kind}`)),
    ...payments.map(({ status }) => `payment ${status}`),
    ...grants.map(({ status }) => `credit ${status}`),
  ]
  for (const end of ends) tally.set(end, (tally.get(end) ?? 0) + 1)
}
