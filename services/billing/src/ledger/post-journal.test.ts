import { openStore, replace } from '@tallystick/storage'
import type { Store } from '@tallystick/storage'
import { testDatabase } from '@tallystick/storage/test-database'
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checkLedger } from './check-ledger.ts'
import { journals, ledgerAccounts, ledgerCode } from './collections.ts'
import { journalIdOf, ledgerAccountIdOf, postJournal, reversedPostings } from './post-journal.ts'
import type { JournalDraft, Posting } from './post-journal.ts'

let store: Store
let database: Awaited<ReturnType<typeof testDatabase>>

beforeAll(async () => {
  database = await testDatabase()
  store = await openStore(database.url, { name: 'billing-test', collections: [journals, ledgerAccounts] })
})
afterAll(async () => {
  await store.close()
  await database.drop()
})

const at = new Date('2026-01-31T12:00:00Z')
const draft = (tenant: string, id: string, postings: Posting[], more: Partial<JournalDraft> = {}) => ({
  tenant,
  at,
  currency: 'USD',
  cause: { kind: 'invoice', id },
  auditId: 'aud_x',
  memo: 'test',
  postings,
  ...more,
})

describe('a journal', () => {
  it('that does not balance, or moves nothing, is never written', () => {
    expect(() => postJournal(draft('t', '1', [{ code: 'cash', amount: 1n }]))).toThrow('off by 1')
    expect(() => postJournal(draft('t', '1', []))).toThrow('empty')
    expect(() => postJournal(draft('t', '1', [{ code: 'cash', amount: 0n }]))).toThrow('empty')
    const cancelled: Posting[] = [
      { code: 'cash', amount: 5n },
      { code: 'cash', amount: -5n },
    ]
    expect(() => postJournal(draft('t', '1', cancelled))).toThrow('empty')
  })

  it('is booked once for its cause, whoever tries again', async () => {
    const tenant = 'acct_once'
    const writes = postJournal(
      draft(tenant, 'inv_1', [
        { code: 'receivable', party: 'cus_1', amount: 100n },
        { code: 'revenue', amount: -100n },
      ]),
    )
    await store.commit(writes)
    await expect(store.commit(writes)).rejects.toMatchObject({ code: 'DuplicateKey' })
    const account = ledgerAccountIdOf(tenant, { code: 'receivable', party: 'cus_1', currency: 'USD' })
    expect(await store.get(ledgerAccounts, account)).toMatchObject({ balance: 100n, postings: 1, tenant })
  })

  it('and its reversal leave every balance where it was', async () => {
    const tenant = 'acct_reverse'
    const cause = { kind: 'invoice', id: 'inv_9' }
    await store.commit(
      postJournal(
        draft(tenant, cause.id, [
          { code: 'receivable', party: 'cus_1', amount: 250n },
          { code: 'revenue', amount: -200n },
          { code: 'tax_payable', amount: -50n },
        ]),
      ),
    )
    const first = await store.get(journals, journalIdOf(tenant, cause))
    if (!first) throw new Error('the journal is not there')
    const back = { cause: { kind: 'void', id: 'inv_9' }, reverses: first.id }
    await store.commit(postJournal(draft(tenant, '', reversedPostings(first), back)))
    const balances = []
    for await (const { balance } of store.scan(ledgerAccounts.byTenant, { equals: [tenant] }))
      balances.push(balance)
    expect(balances).toEqual([0n, 0n, 0n])
  })
})

describe('balances', () => {
  it('are the sums of their postings after any journals, in any currency', async () => {
    const amount = fc.bigInt({ min: -(10n ** 12n), max: 10n ** 12n })
    const side = fc.record({
      code: fc.constantFrom(...ledgerCode.options),
      party: fc.constantFrom('a', 'b'),
      amount,
    })
    let run = 0
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ sides: fc.array(side, { minLength: 1, maxLength: 5 }), yen: fc.boolean() }), {
          minLength: 1,
          maxLength: 12,
        }),
        async (movements) => {
          const tenant = `acct_run_${run++}`
          let booked = 0
          for (const [place, { sides, yen }] of movements.entries()) {
            const sum = sides.reduce((total, one) => total + one.amount, 0n)
            const postings = [...sides, { code: 'fees' as const, party: 'rest', amount: -sum }]
            const moves = draft(tenant, String(place), postings, { currency: yen ? 'JPY' : 'USD' })
            let writes
            try {
              writes = postJournal(moves)
            } catch {
              continue // everything cancelled out
            }
            await store.commit(writes)
            booked++
          }
          const found = await checkLedger({ store }, tenant)
          expect(found).toEqual({ journals: booked, unbalanced: [], differences: [] })
        },
      ),
      { numRuns: 30 },
    )
  })

  it('that were tampered with are found', async () => {
    const tenant = 'acct_tampered'
    await store.commit(
      postJournal(
        draft(tenant, '1', [
          { code: 'cash', amount: 7n },
          { code: 'revenue', amount: -7n },
        ]),
      ),
    )
    const id = ledgerAccountIdOf(tenant, { code: 'cash', currency: 'USD' })
    const kept = await store.get(ledgerAccounts, id)
    if (!kept) throw new Error('no account')
    const { version, ...account } = kept
    await store.commit([replace(ledgerAccounts, { ...account, balance: 8n }, version)])
    expect((await checkLedger({ store }, tenant)).differences).toEqual([
      { account: id, kept: 8n, derived: 7n },
    ])
  })
})
