import { collection } from '@tallystick/storage'
import { z } from 'zod'

/** What an account of the ledger is for. Assets and expenses grow by debits, the others by credits. */
export const ledgerCode = z.enum([
  'receivable',
  'cash',
  'processor_clearing',
  'disputed',
  'revenue',
  'deferred_revenue',
  'tax_payable',
  'customer_credit',
  'credit_breakage',
  'bad_debt',
  'refunds',
  'fees',
  'creator_payable',
  'platform_fee',
])
export type LedgerCode = z.infer<typeof ledgerCode>

/** One movement of money: all of its postings, balanced, in one currency. Written once, never changed. */
export const journals = collection('journals', {
  schema: z.strictObject({
    /** Follows from what caused it, so the same movement cannot be booked twice. */
    id: z.string(),
    tenant: z.string(),
    at: z.date(),
    currency: z.string(),
    cause: z.strictObject({ kind: z.string(), id: z.string() }),
    auditId: z.string(),
    memo: z.string(),
    /** The journal that this one takes back. */
    reverses: z.string().optional(),
    /** Debits are positive, credits negative; they sum to zero. */
    postings: z.array(
      z.strictObject({
        account: z.string(),
        code: ledgerCode,
        party: z.string().optional(),
        amount: z.bigint(),
      }),
    ),
    /** The accounts of the postings, for the index. */
    accounts: z.array(z.string()),
    createdAt: z.date(),
  }),
  partition: 'tenant',
  indexes: {
    byTenant: ['tenant', 'createdAt'],
    byAccount: ['tenant', 'accounts[]', 'createdAt'],
  },
})

/** The balance of one code, party and currency of a tenant: the sum of its postings, kept in the commit of each. */
export const ledgerAccounts = collection('ledger_accounts', {
  schema: z.strictObject({
    id: z.string(),
    tenant: z.string(),
    code: ledgerCode,
    party: z.string().optional(),
    currency: z.string(),
    balance: z.bigint(),
    postings: z.number(),
  }),
  partition: 'tenant',
  indexes: { byTenant: ['tenant', 'code', 'currency'] },
})

/** A balance at a moment, so that a rebuild need not begin at the first posting. */
export const balanceCheckpoints = collection('balance_checkpoints', {
  schema: z.strictObject({
    id: z.string(),
    tenant: z.string(),
    account: z.string(),
    at: z.date(),
    balance: z.bigint(),
    postings: z.number(),
  }),
  partition: 'tenant',
  indexes: { byAccount: ['tenant', 'account', 'at'] },
})
