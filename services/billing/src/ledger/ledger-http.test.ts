import { listOf } from '@tallystick/protocol'
import { readAnswer } from '@tallystick/runtime/test-http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startBillingWorld } from '../billing-world.ts'
import type { BillingWorld } from '../billing-world.ts'
import { checkpointBalances } from './checkpoint-balances.ts'
import { journalView, ledgerAccountView, trialBalanceView } from './ledger-schemas.ts'
import { ledgerAccountIdOf, postJournal } from './post-journal.ts'

let world: BillingWorld
let key: string
const tenant = 'acct_books'
const day = (number: number) => new Date(Date.UTC(2026, 0, number))

beforeAll(async () => {
  world = await startBillingWorld()
  key = await world.keyOf({ tenant })
  for (const number of [1, 2, 3, 4]) {
    await world.service.store.commit(
      postJournal({
        tenant,
        at: day(number),
        currency: number === 4 ? 'JPY' : 'USD',
        cause: { kind: 'invoice', id: `inv_${number}` },
        auditId: 'aud_x',
        memo: number === 3 ? '=HYPERLINK("x")' : 'an invoice',
        postings: [
          { code: 'receivable', party: 'cus_1', amount: BigInt(number) * 1000n },
          { code: 'revenue', amount: BigInt(number) * -1000n },
        ],
      }),
    )
  }
})
afterAll(() => world.close())

test('the trial balance is in balance, for each currency', async () => {
  const found = readAnswer(trialBalanceView, await world.call('GET', '/v1/ledger/trial-balance', { key }))
  expect(found.currencies).toEqual([
    {
      currency: 'JPY',
      rows: [
        { code: 'receivable', debit: 4000, credit: 0 },
        { code: 'revenue', debit: 0, credit: 4000 },
      ],
      debits: 4000,
      credits: 4000,
      balanced: true,
    },
    {
      currency: 'USD',
      rows: [
        { code: 'receivable', debit: 6000, credit: 0 },
        { code: 'revenue', debit: 0, credit: 6000 },
      ],
      debits: 6000,
      credits: 6000,
      balanced: true,
    },
  ])
})

test('a balance of the past is the same before and after checkpoints', async () => {
  const id = ledgerAccountIdOf(tenant, { code: 'receivable', party: 'cus_1', currency: 'USD' })
  const at = async (number: number) => {
    const path = `/v1/ledger/accounts/${id}?at=${day(number).toISOString()}`
    return readAnswer(ledgerAccountView, await world.call('GET', path, { key })).balance.amount
  }
  const before = [await at(1), await at(2), await at(3), await at(9)]
  expect(before).toEqual([0, 1000, 3000, 6000])
  await checkpointBalances(world.service.deps, tenant, day(2))
  await checkpointBalances(world.service.deps, tenant, day(3))
  await checkpointBalances(world.service.deps, tenant, day(3))
  expect([await at(1), await at(2), await at(3), await at(9)]).toEqual(before)
})

test('journals are listed by account, newest first, and each can be fetched', async () => {
  const account = ledgerAccountIdOf(tenant, { code: 'receivable', party: 'cus_1', currency: 'USD' })
  const answer = await world.call('GET', `/v1/ledger/journals?account=${account}`, { key })
  const { data } = readAnswer(listOf(journalView), answer)
  expect(data.map(({ cause }) => cause.id)).toEqual(['inv_3', 'inv_2', 'inv_1'])
  const [first] = data
  expect(
    readAnswer(journalView, await world.call('GET', `/v1/ledger/journals/${first?.id}`, { key })),
  ).toEqual(first)
  const foreign = await world.keyOf({ tenant: 'acct_else' })
  expect((await world.call('GET', `/v1/ledger/journals/${first?.id}`, { key: foreign })).status).toBe(404)
  expect((await world.call('GET', `/v1/ledger/accounts/${account}`, { key: foreign })).status).toBe(404)
})

test('the export has a line for each posting, in major units, and no formula', async () => {
  const window = 'created_from=2026-01-01T00:00:00.000Z&created_before=2026-02-01T00:00:00.000Z'
  const { text, headers } = await world.call('GET', `/v1/ledger/export?${window}`, { key })
  expect(headers.get('content-type')).toContain('text/csv')
  const lines = text.split('\r\n').filter((line) => line !== '')
  expect(lines).toHaveLength(9)
  expect(lines[1]).toContain('receivable,cus_1,10.00,,USD')
  expect(lines[8]).toContain('revenue,,,4000,JPY')
  expect(text).toContain(`"'=HYPERLINK(""x"")"`)
})
