import { z } from 'zod'

/** What an API key may be allowed, with what each scope opens. */
export const scopes = {
  'accounts:read': 'read accounts',
  'accounts:write': 'create and change accounts',
  'keys:read': 'list API keys (never their secrets)',
  'keys:write': 'create, rotate and revoke API keys',
  'catalog:read': 'read datasets, items, consents, legal texts and offers',
  'catalog:write': 'register datasets, items and consents; publish legal texts and offers',
  'licenses:read': 'read agreements and their exports',
  'licenses:write': 'create agreements and move them on',
  'decisions:write': 'ask whether a use is allowed',
  'privacy:write': 'answer data-subject requests, set retention and legal holds',
  'usage:read': 'read usage and meters',
  'usage:write': 'report usage',
  'billing:read': 'read prices, subscriptions, invoices, payments and ledgers',
  'billing:write': 'change prices, subscriptions, invoices and payments',
  'audit:read': 'read audit records with their bodies',
  'audit:write': 'record events',
  admin: 'operate the tenant: plans, test clocks, administrative exports',
  platform: 'create tenants',
  service: 'act for any tenant; for the services themselves',
} as const

/** The name of a permission that a key carries. */
export type Scope = keyof typeof scopes

/** A zod schema that accepts exactly the known scopes. */
export const scope = z.enum(Object.keys(scopes) as [Scope, ...Scope[]])

/** What an account is in its marketplace; it bounds which objects its keys reach. */
export const accountRole = z.enum(['operator', 'developer', 'creator', 'auditor'])
export type AccountRole = z.infer<typeof accountRole>
