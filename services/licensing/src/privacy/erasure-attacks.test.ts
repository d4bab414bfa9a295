import { fork } from 'node:child_process'
import { hash } from 'node:crypto'
import { auditEvent, createLog, leases, leaseTerms, outbox, systemEntropy } from '@tallystick/runtime'
import type { Caller } from '@tallystick/runtime'
import { insert, openStore, remove } from '@tallystick/storage'
import type { Store } from '@tallystick/storage'
import { testDatabase } from '@tallystick/storage/test-database'
import type { TestDatabase } from '@tallystick/storage/test-database'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { consents, datasets, items, licenses, offers } from '../collections.ts'
import type { Deps, PersonalRecords } from '../deps.ts'
import { licensingCollections } from '../start-licensing.ts'
import { legalHolds, retentionPolicies, subjectRequests } from './collections.ts'
import { placeHold } from './legal-holds.ts'
import { sampleConsent, sampleId, sampleItem, sampleLicense } from './privacy-samples.ts'
import { runErasures } from './run-erasures.ts'
import { runRetention } from './run-retention.ts'
import { storeWith } from './store-with.ts'
import { subjectData } from './subject-data.ts'
import { createSubjectRequest } from './subject-requests.ts'

const subject = 'cr_private'
let database: TestDatabase
let store: Store
let tenant: string
let deps: Deps

beforeAll(async () => {
  database = await testDatabase()
  store = await openStore(database.url, {
    name: 'attacks',
    collections: [...licensingCollections, leases, leaseTerms],
  })
})
beforeEach(() => {
  tenant = sampleId('account')
  deps = {
    ...systemEntropy(),
    store,
    erasure: { eraseBodies: async () => ({ erased: 0, ids: [] }) },
    identity: { resolveParty: async () => undefined },
    log: createLog({ name: 'attacks', level: 'fatal' }),
    livemode: false,
    publicUrl: '',
  }
})
afterAll(async () => {
  await store.close()
  await database.drop()
})

function operator(of = tenant): Caller {
  const rights = { scopes: ['privacy:write' as const], livemode: false, plan: 'standard' }
  return { tenant: of, account: of, role: 'operator', keyId: 'key_1', ...rights }
}

async function ask(type: 'erase' | 'export', of = subject, reason?: string): Promise<string> {
  const input = { type, subject: of, ...(reason !== undefined && { reason }) }
  const { writes, answer } = await createSubjectRequest(deps, operator(), input)
  await store.commit([...writes])
  return answer.id
}

/** Carries out what is open, with all events delivered. */
async function run(more: Partial<Deps> = {}) {
  for await (const { id } of store.scanAll(outbox)) await store.commit([remove(outbox, id)])
  await runErasures({ ...deps, ...more })
}

async function requestOf(id: string) {
  const found = await store.get(subjectRequests, id)
  if (!found) throw new Error(`${id} is gone`)
  return found
}

/** All that the service holds of the tenant, as text. */
async function textOf(of = tenant): Promise<string> {
  const texts: string[] = []
  for (const one of licensingCollections.filter(({ name }) => name !== 'outbox'))
    for await (const found of store.scanAll<{ id: string; tenant?: string }>(one))
      if (found.tenant === of) texts.push(JSON.stringify(found))
  return texts.join('\n')
}

describe('an erasure finds its subject', () => {
  test('where others name it: grants, splits, steps, metadata, texts, reasons, holds and earlier requests', async () => {
    const { withdrawnAt: _, withdrawalReason: __, ...given } = sampleConsent(tenant, 'cr_child')
    const other = { ...sampleLicense(tenant, 'cr_other', 'expired'), metadata: { editor: subject } }
    const shared = { splits: [{ party: subject, share: '0.5' }], platform_fee: '0' }
    const texted = {
      ...sampleLicense(tenant, 'cr_other', 'terminated'),
      royalties: shared,
      legalText: { template: 'tmpl_1', version: 1, variables: { by: subject }, text_hash: 'sha256:00' },
    }
    const running = { ...sampleLicense(tenant, 'cr_other', 'active'), royalties: shared }
    const item = { ...sampleItem(tenant, 'theirs', ['cr_other']), metadata: { [subject]: `by ${subject}.` } }
    const { status: ___, history: ____, buyer: _____, revision: ______, updatedAt: _7, ...traded } = texted
    const offer = { ...traded, id: sampleId('offer'), status: 'open' as const }
    const at = new Date()
    const hold = { tenant, on: 'subject' as const, names: [subject], createdAt: at, auditId: 'aud_1' }
    const released = { ...hold, id: sampleId('hold'), status: 'released' as const, reason: `for ${subject}` }
    const policy = {
      tenant,
      kind: 'items' as const,
      keepDays: 36_500,
      status: 'active' as const,
      createdAt: at,
    }
    const ofPolicy = { id: sampleId('retentionPolicy'), reason: subject, nextRunAt: at, auditId: 'aud_1' }
    await store.commit([
      insert(consents, { ...given, grantedBy: subject }),
      insert(consents, { ...sampleConsent(tenant, 'cr_other'), withdrawalReason: `as ${subject} asked` }),
      insert(items, item),
      insert(offers, offer),
      ...[other, texted, running].map((one) => insert(licenses, one)),
      insert(legalHolds, released),
      insert(retentionPolicies, { ...policy, ...ofPolicy }),
    ])
    const before = await ask('export')
    const id = await ask('erase', subject, `${subject} wrote a letter`)
    await run()
    const done = await requestOf(id)
    expect(done.kept).toEqual([{ object: 'license', id: running.id, reason: 'agreement_active' }])
    expect(
      (await textOf()).replaceAll(JSON.stringify(await store.get(licenses, running.id)), ''),
    ).not.toContain(subject)
    expect(await store.get(consents, given.id)).toMatchObject({
      subject: 'cr_child',
      grantedBy: done.pseudonym,
    })
    expect((await store.get(licenses, texted.id))?.royalties.splits).toEqual([
      { party: done.pseudonym, share: '0.5' },
    ])
    const gone = await requestOf(before)
    await expect(subjectData(deps, gone, { mentioned: true })).rejects.toMatchObject({
      code: 'invalid_state',
    })
  })

  test.each([
    '$where',
    '{"$ne":null}',
    '$&$1',
    '__proto__',
    'Zoë 💥 \u202e',
    'ß'.repeat(200),
    '💥'.repeat(100),
  ])('whatever it is called, in its own tenant alone: %s', async (name) => {
    const other = sampleId('account')
    const mine = sampleConsent(tenant, name)
    const theirs = sampleConsent(other, name)
    await store.commit([
      insert(consents, mine),
      insert(consents, theirs),
      insert(items, sampleItem(tenant, 'x', [name])),
      insert(items, sampleItem(other, 'x', [name])),
    ])
    const before = await textOf(other)
    const id = await ask('erase', name)
    await run()
    expect(await requestOf(id)).toMatchObject({ status: 'completed', erased: { consent: 1, item: 1 } })
    expect(await textOf()).not.toContain(JSON.stringify(name))
    expect(await textOf(other)).toBe(before)
  })

  test('asked twice, at once or one after the other, both certify what they did', async () => {
    await store.commit(Array.from({ length: 120 }, () => insert(consents, sampleConsent(tenant, subject))))
    const ids = [await ask('erase'), await ask('erase')]
    await run()
    ids.push(await ask('erase'))
    await run()
    const done = await Promise.all(ids.map(requestOf))
    expect(done.map(({ status }) => status)).toEqual(['completed', 'completed', 'completed'])
    expect(done.map(({ erased }) => erased['consent'] ?? 0)).toEqual([120, 0, 0])
    expect(await textOf()).not.toContain(subject)
  })

  test('in what comes in while it runs', async () => {
    await store.commit([
      insert(consents, sampleConsent(tenant, subject)),
      insert(items, sampleItem(tenant, 'one', [subject])),
    ])
    const id = await ask('erase')
    let late = 0
    const commit: Store['commit'] = async (writes) => {
      await store.commit(writes)
      // By now the step of consents has passed.
      if (late++ === 1) await store.commit([insert(consents, sampleConsent(tenant, subject))])
    }
    await run({ store: storeWith(store, { commit }) })
    expect(await requestOf(id)).toMatchObject({ status: 'completed', erased: { consent: 2, item: 1 } })
    expect(await textOf()).not.toContain(subject)
  })
})

describe('a hold', () => {
  test('that comes between a purge and its commit keeps what it names', async () => {
    const mine = sampleConsent(tenant, subject)
    const at = new Date('2026-01-02T00:00:00.000Z')
    const policy = { id: sampleId('retentionPolicy'), tenant, kind: 'consents' as const, keepDays: 1 }
    const more = { reason: 'law', status: 'active' as const, nextRunAt: at, createdAt: at, auditId: 'aud_1' }
    await store.commit([insert(consents, mine), insert(retentionPolicies, { ...policy, ...more })])
    let placed = false
    const commit: Store['commit'] = async (writes) => {
      if (
        !placed &&
        writes.some(({ type, collection }) => type === 'remove' && collection.name === 'consents')
      ) {
        placed = true
        const plan = await placeHold(deps, operator(), { subject, reason: 'lawsuit' })
        await store.commit([...plan.writes])
      }
      await store.commit(writes)
    }
    await runRetention({ ...deps, store: storeWith(store, { commit }) })
    expect(placed).toBe(true)
    expect(await store.get(consents, mine.id)).toBeDefined()
  })

  test('on somebody else keeps the agreement, consent and item that the erased share with them', async () => {
    const given = { ...sampleConsent(tenant, 'cr_held'), grantedBy: subject }
    const ended = { ...sampleLicense(tenant, subject, 'expired'), buyer: 'cr_held' }
    const item = sampleItem(tenant, 'both', [subject, 'cr_held'])
    await store.commit([insert(consents, given), insert(licenses, ended), insert(items, item)])
    const plan = await placeHold(deps, operator(), { subject: 'cr_held', reason: 'lawsuit' })
    await store.commit([...plan.writes])
    const id = await ask('erase')
    await run()
    const { kept, erased } = await requestOf(id)
    const reason = `legal_hold:${plan.answer.id}`
    expect(erased).toEqual({})
    expect(kept).toEqual(
      expect.arrayContaining([
        { object: 'consent', id: given.id, reason },
        { object: 'item', id: item.id, reason },
        { object: 'license', id: ended.id, reason },
      ]),
    )
  })
})

test('what is on its way to audit and names somebody else keeps no erasure waiting', async () => {
  const id = await ask('erase')
  const event = (id: string, named: string) => {
    const record = { kind: 'thing.made', actor: 'cr_other', licenses: [], items: [], data: { named } }
    return auditEvent({ id, tenant, at: new Date(), record })
  }
  for await (const one of store.scanAll(outbox)) await store.commit([remove(outbox, one.id)])
  const mine = sampleId('event')
  await store.commit([event(sampleId('event'), 'cr_other'), event(mine, subject)])
  await runErasures(deps)
  expect((await requestOf(id)).status).toBe('pending')
  await store.commit([remove(outbox, mine)])
  await runErasures(deps)
  expect((await requestOf(id)).status).toBe('completed')
})

test('other services forget too: customers always, accounts unless an agreement is kept; one that fails is asked again', async () => {
  const asked: string[] = []
  let down = true
  const records = (holds: PersonalRecords['holds']): PersonalRecords => ({
    holds,
    tell: async () => [],
    forget: async (_, { names }) => {
      if (down) throw new Error('down')
      asked.push(`${holds} ${names.join()}`)
      return { erased: [{ object: holds, id: 'x' }], kept: [] }
    },
  })
  const elsewhere = [records('customers'), records('accounts')]
  const [id, free] = [await ask('erase'), await ask('erase', 'cr_free')]
  await store.commit([insert(licenses, sampleLicense(tenant, subject, 'active'))])
  await expect(run({ elsewhere })).rejects.toThrow('could not go on')
  down = false
  await run({ elsewhere })
  expect((await requestOf(id)).erased).toEqual({ customers: 1 })
  expect((await requestOf(free)).erased).toEqual({ customers: 1, accounts: 1 })
  expect(asked).toEqual([`customers ${subject}`, 'customers cr_free', 'accounts cr_free'])
})

test('a process that is killed amid an erasure leaves one that another process ends', async () => {
  const many = Array.from({ length: 700 }, () => sampleConsent(tenant, subject))
  await store.insertMany(consents, many)
  const id = await ask('erase')
  for await (const one of store.scanAll(outbox)) await store.commit([remove(outbox, one.id)])
  const child = fork(new URL('erasure-child.ts', import.meta.url), [database.url, 'attacks'], {
    execArgv: [],
  })
  await new Promise((resolve) => {
    child.once('message', resolve)
  })
  const ended = new Promise((resolve) => {
    child.once('exit', (_code, signal) => resolve(signal))
  })
  child.kill('SIGKILL')
  expect(await ended).toBe('SIGKILL')
  const { status, erased } = await requestOf(id)
  expect(status).toBe('pending')
  expect([200, 300]).toContain(erased['consent'])
  await run()
  const done = await requestOf(id)
  expect(done).toMatchObject({ status: 'completed', erased: { consent: many.length } })
  // The chain over all ids, in the order of the index, says that each went once.
  const inOrder = many.map((one) => one.id).toSorted((a, b) => (a < b ? -1 : 1))
  expect(done.chain).toBe(
    inOrder.reduce((chain, one) => hash('sha256', `${chain}\n${one}`, 'hex'), '0'.repeat(64)),
  )
})

test('an export of 50,000 objects has a page in memory at a time, and all of them in it', async () => {
  const traits = { name: 'Diary', consents: [], consentRequired: true, prohibitedUses: [], metadata: {} }
  const one = { ...traits, tenant, creators: [subject], createdAt: new Date() }
  for (let from = 0; from < 50_000; from += 10_000)
    await store.insertMany(
      datasets,
      Array.from({ length: 10_000 }, () => ({ ...one, id: sampleId('dataset') })),
    )
  const request = await requestOf(await ask('export'))
  let read = 0
  const find: Store['find'] = async (index, query) => {
    const page = await store.find(index, query)
    read += page.items.length
    return page
  }
  const pieces = await subjectData({ ...deps, store: storeWith(store, { find }) }, request, {
    mentioned: false,
  })
  let told = 0
  let text = ''
  for await (const piece of pieces) {
    expect(piece.length).toBeLessThan(40_000)
    told += piece.split('"name":"Diary"').length - 1
    // No more than a page is read ahead of whoever takes the pieces.
    expect(read - told).toBeLessThanOrEqual(501)
    if (text.length < 40_000) text += piece
  }
  expect(told).toBe(50_000)
  expect(text.startsWith(`{"object":"subject_data","livemode":false,"request":"${request.id}"`)).toBe(true)
})

test('an export tells what was given for others, each object once, and of others only where they name the subject', async () => {
  const account = sampleId('account')
  deps.identity = { resolveParty: async () => ({ account, reference: subject }) }
  deps.elsewhere = [
    {
      holds: 'accounts',
      tell: async (_, names) => [{ names }],
      forget: async () => ({ erased: [], kept: [] }),
    },
  ]
  const given = { ...sampleConsent(tenant, 'cr_child'), grantedBy: subject }
  const own = { ...sampleConsent(tenant, subject), grantedBy: account }
  const item = sampleItem(tenant, 'both', [account, subject])
  const self = { ...sampleLicense(tenant, subject, 'expired'), buyer: account }
  const secret = {
    ...sampleItem(tenant, 'other', ['cr_other']),
    metadata: { note: `${subject} and private` },
  }
  await store.commit([
    ...[given, own].map((one) => insert(consents, one)),
    ...[item, secret].map((one) => insert(items, one)),
    insert(licenses, self),
  ])
  const request = await requestOf(await ask('export'))
  const pieces = await subjectData(deps, request, { mentioned: true })
  let text = ''
  for await (const piece of pieces) text += piece
  const document = JSON.parse(text) as Record<string, { id: string }[]>
  const ids = (member: string) => document[member]?.map(({ id }) => id)
  expect(ids('consents')).toEqual([own.id])
  expect(ids('consents_given_for_others')).toEqual([given.id])
  expect(ids('items')).toEqual([item.id])
  expect(ids('licenses')).toEqual([self.id])
  expect(ids('data_subject_requests')).toEqual([request.id])
  expect(document['mentioned_in']).toEqual([{ object: 'item', id: secret.id }])
  expect(document['accounts']).toEqual([{ names: [subject, account] }])
})
