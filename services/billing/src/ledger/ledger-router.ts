import { listOf } from '@tallystick/protocol'
import { listPage, overseers } from '@tallystick/runtime'
import { z } from 'zod'
import { api } from '../api.ts'
import { journals, ledgerAccounts } from './collections.ts'
import { exportPostings } from './export-postings.ts'
import * as wire from './ledger-schemas.ts'
import { findJournal, readAccount, trialBalance, viewAccount, viewJournal } from './read-ledger.ts'

const about = { ...overseers, tags: ['Ledger'], scope: 'billing:read' as const }
const someAccount = 'la_01kqxq5t8r0000000000000000'

/** The books: accounts, journals, trial balance and export. Written by what moves money, never by hand. */
export const ledgerRouter = api.router({
  accounts: api
    .procedure({
      ...about,
      summary: 'List the accounts of the ledger',
      examples: [{ input: { code: 'receivable' } }],
      rest: { method: 'GET', path: '/v1/ledger/accounts' },
    })
    .input(wire.accountsInput)
    .output(listOf(wire.ledgerAccountView))
    .query(({ ctx: { deps, caller }, input }) =>
      listPage(
        { tenant: caller.tenant, url: '/v1/ledger/accounts' },
        input,
        (query) =>
          deps.store.find(ledgerAccounts.byTenant, {
            equals: input.code === undefined ? [caller.tenant] : [caller.tenant, input.code],
            ...query,
          }),
        (account) => viewAccount(deps, account),
      ),
    ),

  account: api
    .procedure({
      ...about,
      summary: 'An account with its balance, now or at a moment',
      errors: ['not_found'],
      examples: [{ input: { account_id: someAccount } }],
      rest: { method: 'GET', path: '/v1/ledger/accounts/{account_id}' },
    })
    .input(wire.accountInput)
    .output(wire.ledgerAccountView)
    .query(({ ctx, input: { account_id, at } }) =>
      readAccount(ctx.deps, ctx.caller.tenant, {
        id: account_id,
        at: at === undefined ? undefined : new Date(at),
      }),
    ),

  journals: api
    .procedure({
      ...about,
      summary: 'List journals, newest first',
      examples: [{ input: {} }],
      rest: { method: 'GET', path: '/v1/ledger/journals' },
    })
    .input(wire.journalsInput)
    .output(listOf(wire.journalView))
    .query(({ ctx: { deps, caller }, input }) => {
      const { account, created_from: from, created_before: before } = input
      const range = {
        ...(from !== undefined && { from: new Date(from) }),
        ...(before !== undefined && { before: new Date(before) }),
      }
      return listPage(
        { tenant: caller.tenant, url: '/v1/ledger/journals' },
        input,
        (query) =>
          account === undefined
            ? deps.store.find(journals.byTenant, { equals: [caller.tenant], range, ...query })
            : deps.store.find(journals.byAccount, { equals: [caller.tenant, account], range, ...query }),
        (journal) => viewJournal(deps, journal),
      )
    }),

  journal: api
    .procedure({
      ...about,
      summary: 'A journal with its postings',
      errors: ['not_found'],
      examples: [{ input: { journal_id: 'jrn_01kqxq5t8r0000000000000000' } }],
      rest: { method: 'GET', path: '/v1/ledger/journals/{journal_id}' },
    })
    .input(wire.journalInput)
    .output(wire.journalView)
    .query(async ({ ctx, input }) =>
      viewJournal(ctx.deps, await findJournal(ctx.deps, ctx.caller.tenant, input.journal_id)),
    ),

  trialBalance: api
    .procedure({
      ...about,
      summary: 'Debits and credits of every code, for each currency',
      examples: [{ input: undefined }],
      rest: { method: 'GET', path: '/v1/ledger/trial-balance' },
    })
    .output(wire.trialBalanceView)
    .query(({ ctx }) => trialBalance(ctx.deps, ctx.caller.tenant)),

  export: api
    .procedure({
      ...about,
      summary: 'The postings of a window of time as CSV',
      examples: [
        { input: { created_from: '2026-01-01T00:00:00.000Z', created_before: '2026-02-01T00:00:00.000Z' } },
      ],
      rest: { method: 'GET', path: '/v1/ledger/export', produces: ['text/csv'] },
    })
    .input(wire.exportInput)
    .output(z.void())
    .query(({ ctx, input }) => {
      const from = new Date(input.created_from)
      const before = new Date(input.created_before)
      const lines = exportPostings(ctx.deps, ctx.caller.tenant, { from, before, party: input.party })
      ctx.answer.stream('text/csv; charset=utf-8', lines)
    }),
})
