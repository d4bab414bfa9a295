import { problemOf, readAnswer } from '@tallystick/runtime/test-http'
import { license as licenseSchema, offer as offerSchema } from '@tallystick/protocol'
import type { AccountRole, License, Offer } from '@tallystick/protocol'
import { createLog, systemEntropy } from '@tallystick/runtime'
import { z } from 'zod'
import { startLicensingWorld } from '../licensing-world.ts'
import type { HttpAnswer } from '@tallystick/runtime/test-http'
import type { LicensingWorld } from '../licensing-world.ts'
import { advanceLicenses } from './advance-licenses.ts'
import type { Deps, Party } from '../deps.ts'

/** A marketplace of a licensing service whose time is set by the test. */
export interface AgreementsWorld {
  world: LicensingWorld
  tenant: string
  /** Keys by who holds them. */
  keys: Record<
    'operator' | 'creator' | 'otherCreator' | 'buyer' | 'otherBuyer' | 'auditor' | 'stranger',
    string
  >
  /** What the use-cases of the service are given. */
  deps: Omit<Deps, 'erasure' | 'publicUrl'>
  /** The account that goes by a reference. */
  accountOf(reference: string): string
  now(): Date
  setTime(text: string): void
  /** Runs the clock job once. Gives how many agreements moved. */
  advance(): Promise<number>
  get(path: string, key: string): Promise<HttpAnswer>
  post(path: string, key: string, body?: object): Promise<HttpAnswer>
  /** Registers a dataset of `cr_123` under each reference. Gives their ids. */
  register(...references: string[]): Promise<string[]>
  /** Creates an agreement by the operator, offered to `dev_456` unless told. */
  create(given?: object, key?: string): Promise<License>
  /** Posts an action that must succeed. */
  move(license: string, action: string, key: string, body?: object): Promise<License>
  offer(given?: object, key?: string): Promise<Offer>
  /** The code of a refused request, with its status. */
  refusal(answer: Promise<HttpAnswer>): Promise<string>
  close(): Promise<void>
}

/** The payload of the source's own sample. */
export const samplePayload = {
  creator_id: 'cr_123',
  buyer_id: 'dev_456',
  items: ['dataset_789'],
  pricing: { model: 'royalty', rate: 0.05 },
  terms: { exclusive: false, region_restrictions: [], duration_days: 365 },
}

let made = 0

/** Starts a service with an operator, two creators and two buyers: `cr_123`, `cr_2`, `dev_456` and `dev_2`. */
export async function startAgreementsWorld(start = '2026-03-01T00:00:00.000Z'): Promise<AgreementsWorld> {
  let time = new Date(start)
  const entropy = systemEntropy(() => time)
  const world = await startLicensingWorld({ entropy })
  const tenant = entropy.newId('account')
  const parties = new Map<string, Party>()
  const named = async (role: AccountRole, reference: string) => {
    const account = entropy.newId('account')
    world.nameAccount(tenant, account, reference)
    for (const name of [account, reference]) parties.set(name, { account, reference })
    return world.keyOf({ tenant, role, account })
  }
  const keys = {
    operator: await world.keyOf({ tenant }),
    creator: await named('creator', 'cr_123'),
    otherCreator: await named('creator', 'cr_2'),
    buyer: await named('developer', 'dev_456'),
    otherBuyer: await named('developer', 'dev_2'),
    auditor: await named('auditor', 'audit_1'),
    stranger: await world.keyOf({ tenant: entropy.newId('account') }),
  }
  const deps = {
    ...entropy,
    store: world.service.store,
    livemode: false,
    identity: { resolveParty: async (_: string, name: string) => parties.get(name) },
    log: createLog({ name: 'agreements-world', level: 'fatal' }),
  }
  const post = (path: string, key: string, body: object = {}) =>
    world.call('POST', path, { key, body, headers: { 'idempotency-key': `test-${made++}` } })
  return {
    world,
    tenant,
    keys,
    deps,
    accountOf: (reference) => parties.get(reference)?.account ?? reference,
    now: () => time,
    setTime: (text) => void (time = new Date(text)),
    advance: () => advanceLicenses(deps),
    get: (path, key) => world.call('GET', path, { key }),
    post,
    register: (...references) =>
      Promise.all(
        references.map(async (reference) => {
          const dataset = { name: reference, reference, creators: ['cr_123'] }
          const made = await post('/v1/datasets', keys.operator, dataset)
          return readAnswer(z.object({ id: z.string() }), made, 201).id
        }),
      ),
    async create(given = {}, key = keys.operator) {
      return readAnswer(licenseSchema, await post('/v1/licenses', key, { ...samplePayload, ...given }), 201)
    },
    async move(license, action, key, body) {
      const status = action === 'amend' ? 201 : 200
      return readAnswer(licenseSchema, await post(`/v1/licenses/${license}/${action}`, key, body), status)
    },
    async offer(given = {}, key = keys.operator) {
      const { buyer_id: _, ...sample } = samplePayload
      return readAnswer(offerSchema, await post('/v1/offers', key, { ...sample, ...given }), 201)
    },
    async refusal(answer) {
      const problem = problemOf(await answer)
      return `${problem.status} ${problem.code}`
    },
    close: () => world.close(),
  }
}
