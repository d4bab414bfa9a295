import { account, reference } from '@tallystick/protocol'
import { z } from 'zod'
import { api } from './api.ts'
import { forgetAccounts, tellAccounts } from './personal-records.ts'

const ofAccounts = { tags: ['Accounts'] }
const namesOfPerson = z.array(reference).min(1).max(10)
const told = z.strictObject({ object: z.string(), id: z.string() })
const toldKept = told.extend({ reason: z.string() })

/** What identity keeps of a person, for the licensing service, which carries requests for it out. */
export const personalDataRouter = api.router({
  tell: api
    .procedure({
      ...ofAccounts,
      summary: 'The accounts of a person, for the export of their data',
      scope: 'service',
      rest: { method: 'POST', path: '/v1/accounts/personal-data' },
      examples: [{ input: { names: ['cr_123'] } }],
    })
    .input(z.strictObject({ names: namesOfPerson }))
    .output(z.strictObject({ object: z.literal('personal_data'), data: z.array(account) }))
    .mutation(async ({ ctx: { deps, caller }, input }) => ({
      object: 'personal_data' as const,
      data: await tellAccounts(deps, caller.tenant, input.names),
    })),

  forget: api
    .procedure({
      ...ofAccounts,
      summary: 'Take a person’s data from their accounts and revoke their keys',
      description: 'Part of an erasure that the licensing service carries out. Idempotent.',
      scope: 'service',
      rest: { method: 'POST', path: '/v1/accounts/erasures' },
      examples: [{ input: { names: ['cr_123'], pseudonym: 'erased_01kqxq5t8r0000000000000000' } }],
    })
    .input(z.strictObject({ names: namesOfPerson, pseudonym: reference }))
    .output(z.strictObject({ object: z.literal('erasure'), erased: z.array(told), kept: z.array(toldKept) }))
    .mutation(async ({ ctx: { deps, caller }, input }) => ({
      object: 'erasure' as const,
      ...(await forgetAccounts(deps, caller.tenant, input.names)),
    })),
})
