import { currencyCode, idSchema, moneyAmount, pageInput, reference, timestamp } from '@tallystick/protocol'
import { z } from 'zod'
import { ledgerCode } from './collections.ts'

export const ledgerAccountView = z
  .strictObject({
    object: z.literal('ledger_account'),
    id: idSchema('ledgerAccount'),
    livemode: z.boolean(),
    code: ledgerCode,
    party: z.string().optional(),
    /** Debits less credits. */
    balance: moneyAmount,
    postings: z.int(),
  })
  .meta({ id: 'LedgerAccount' })

export const journalView = z
  .strictObject({
    object: z.literal('journal'),
    id: idSchema('journal'),
    livemode: z.boolean(),
    at: timestamp,
    memo: z.string(),
    cause: z.strictObject({ kind: z.string(), id: z.string() }),
    reverses: z.string().optional(),
    postings: z.array(
      z.strictObject({
        account: z.string(),
        code: ledgerCode,
        party: z.string().optional(),
        /** A debit is positive, a credit negative. */
        amount: moneyAmount,
      }),
    ),
    audit_id: z.string(),
  })
  .meta({ id: 'Journal' })

export const trialBalanceView = z
  .strictObject({
    object: z.literal('trial_balance'),
    livemode: z.boolean(),
    as_of: timestamp,
    currencies: z.array(
      z.strictObject({
        currency: currencyCode,
        rows: z.array(z.strictObject({ code: ledgerCode, debit: z.int(), credit: z.int() })),
        debits: z.int(),
        credits: z.int(),
        balanced: z.boolean(),
      }),
    ),
  })
  .meta({ id: 'TrialBalance' })

export const accountsInput = z.strictObject({ code: ledgerCode.optional(), ...pageInput })
export const accountInput = z.strictObject({
  account_id: idSchema('ledgerAccount'),
  /** The balance as it was then; the latest unless told. */
  at: timestamp.optional(),
})
export const journalsInput = z.strictObject({
  account: idSchema('ledgerAccount').optional(),
  created_from: timestamp.optional(),
  created_before: timestamp.optional(),
  ...pageInput,
})
export const journalInput = z.strictObject({ journal_id: idSchema('journal') })
export const exportInput = z.strictObject({
  created_from: timestamp,
  created_before: timestamp,
  party: reference.optional(),
})
