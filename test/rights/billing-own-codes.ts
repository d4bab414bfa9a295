/** What routes of billing refuse for reasons of their own; billing-codes.test.ts provokes each. */
export const billingOwnCodes: ReadonlySet<string> = new Set([
  'not_found',
  'reference_not_found',
  'already_exists',
  'invalid_state',
  'event_conflict',
  'usage_cap_reached',
])
