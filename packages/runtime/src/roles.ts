import type { Caller } from './api.ts'

/** In a procedure's meta: nobody but the marketplace's operators may call it. */
export const operators = { roles: ['operator'] } as const

/** In a procedure's meta: for those who reach their whole tenant. */
export const overseers = { roles: ['operator', 'auditor'] } as const

/** In a procedure's meta: for those who trade, and operators in their name; an auditor only reads. */
export const parties = { roles: ['operator', 'developer', 'creator'] } as const

/**
 * Whether the caller reaches all of its tenant, and not only what it is a party of: operators and auditors do. The one
 * rule of all services.
 */
export function reachesTenant({ role }: Pick<Caller, 'role'>): boolean {
  return overseers.roles.some((one) => one === role)
}
