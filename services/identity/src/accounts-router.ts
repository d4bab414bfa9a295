import {
  account,
  accountInput,
  accountRole,
  accountUpdate,
  idSchema,
  listOf,
  pageInput,
  reference,
} from '@tallystick/protocol'
import { listPage, operators } from '@tallystick/runtime'
import { StorageError } from '@tallystick/storage'
import { z } from 'zod'
import { api } from './api.ts'
import { accounts } from './collections.ts'
import { createAccount, referenceTaken } from './create-account.ts'
import { findVisibleAccount } from './find-account.ts'
import { listAccounts } from './list-queries.ts'
import { reactivateAccount, suspendAccount } from './suspend-account.ts'
import { updateAccount } from './update-account.ts'
import { accountView } from './views.ts'

const ofAccounts = { tags: ['Accounts'] }
const accountPath = '/v1/accounts/{account_id}'
const accountId = z.strictObject({ account_id: idSchema('account') })
const statusChange = accountId.extend({ reason: reference })
const example = { account_id: 'acct_01kqxq5t8r0000000000000000' }

/** Parties of a marketplace: its developers, creators, auditors and operators. */
export const accountsRouter = api.router({
  create: api
    .procedure({
      ...operators,
      ...ofAccounts,
      summary: 'Create an account',
      description: 'A party of the marketplace: a developer, a creator, an auditor or a further operator.',
      scope: 'accounts:write',
      idempotency: 'required',
      errors: ['already_exists'],
      rest: { method: 'POST', path: '/v1/accounts', status: 201 },
      examples: [{ input: { role: 'developer', name: 'Model Builders Ltd', external_id: 'buyer_7' } }],
    })
    .input(accountInput)
    .output(account)
    .mutation(({ ctx, input }) =>
      referenceChecked(() => ctx.once(() => createAccount(ctx.deps, ctx.caller, input))),
    ),

  list: api
    .procedure({
      ...ofAccounts,
      summary: 'List accounts, newest first',
      description: 'Operators and auditors see all accounts of their marketplace, others their own.',
      scope: 'accounts:read',
      rest: { method: 'GET', path: '/v1/accounts' },
    })
    .input(z.strictObject({ ...pageInput, role: accountRole.optional(), external_id: reference.optional() }))
    .output(listOf(account))
    .query(({ ctx: { deps, caller }, input }) =>
      listPage(
        { tenant: caller.tenant, url: '/v1/accounts' },
        input,
        (query) => listAccounts(deps, caller, input, query),
        (found) => accountView(found, deps.mode),
      ),
    ),

  get: api
    .procedure({
      ...ofAccounts,
      summary: 'An account',
      scope: 'accounts:read',
      errors: ['not_found'],
      rest: { method: 'GET', path: accountPath },
      examples: [{ input: { account_id: example.account_id } }],
    })
    .input(accountId)
    .output(account)
    .query(async ({ ctx: { deps, caller }, input }) =>
      accountView(await findVisibleAccount(deps, caller, input.account_id), deps.mode),
    ),

  update: api
    .procedure({
      ...operators,
      ...ofAccounts,
      summary: 'Change an account',
      description: 'What is given replaces what was; null takes a field away. The role of an account stays.',
      scope: 'accounts:write',
      idempotency: 'required',
      errors: ['not_found', 'already_exists', 'conflict'],
      rest: { method: 'POST', path: accountPath },
      examples: [{ input: { account_id: example.account_id, name: 'Model Builders GmbH', country: 'DE' } }],
    })
    .input(accountUpdate)
    .output(account)
    .mutation(async ({ ctx, input }) => {
      const answer = await referenceChecked(() => ctx.once(() => updateAccount(ctx.deps, ctx.caller, input)))
      ctx.deps.keys.forget()
      return answer
    }),

  suspend: api
    .procedure({
      ...operators,
      ...ofAccounts,
      summary: 'Suspend an account',
      description: 'Its keys are refused everywhere within five seconds, until it is reactivated.',
      scope: 'accounts:write',
      idempotency: 'required',
      errors: ['not_found', 'invalid_state', 'conflict'],
      rest: { method: 'POST', path: `${accountPath}/suspend` },
      examples: [{ input: { account_id: example.account_id, reason: 'invoice overdue' } }],
    })
    .input(statusChange)
    .output(account)
    .mutation(async ({ ctx, input }) => {
      const answer = await ctx.once(() => suspendAccount(ctx.deps, ctx.caller, input))
      ctx.deps.keys.forget()
      return answer
    }),

  reactivate: api
    .procedure({
      ...operators,
      ...ofAccounts,
      summary: 'Reactivate a suspended account',
      scope: 'accounts:write',
      idempotency: 'required',
      errors: ['not_found', 'invalid_state', 'conflict'],
      rest: { method: 'POST', path: `${accountPath}/reactivate` },
      examples: [{ input: { account_id: example.account_id, reason: 'invoice paid' } }],
    })
    .input(statusChange)
    .output(account)
    .mutation(async ({ ctx, input }) => {
      const answer = await ctx.once(() => reactivateAccount(ctx.deps, ctx.caller, input))
      ctx.deps.keys.forget()
      return answer
    }),
})

/** Two requests that give the same reference at once: the storage refuses the second. */
async function referenceChecked<T>(change: () => Promise<T>): Promise<T> {
  try {
    return await change()
  } catch (error) {
    const taken =
      error instanceof StorageError && error.code === 'DuplicateKey' && error.collection === accounts.name
    throw taken ? referenceTaken() : error
  }
}
