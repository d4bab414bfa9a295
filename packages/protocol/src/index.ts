export { auditReceipt, auditRecord, auditRecordDetail, usageMetric } from './audit.ts'
export type { AuditReceipt, AuditRecord } from './audit.ts'
export { errorTable, Fault } from './errors.ts'
export type { ErrorCode, FieldError } from './errors.ts'
export {
  account,
  accountInput,
  accountUpdate,
  apiKey,
  apiKeyInput,
  newApiKey,
  newTenant,
  planName,
  selfApiKey,
} from './identity.ts'
export type {
  Account,
  AccountInput,
  AccountUpdate,
  ApiKeyInput,
  ApiKeyView,
  NewApiKey,
  NewTenant,
} from './identity.ts'
export { derivedId, idPrefixes, idSchema, newId } from './ids.ts'
export type { IdKind } from './ids.ts'
export { contentHash, decimal, formatContentHash, metadata, reference, timestamp } from './values.ts'
export * from './catalog.ts'
export * from './licensing.ts'
export { listOf, pageInput } from './lists.ts'
export type { Page, PageInput } from './lists.ts'
export { currencyCode, moneyAmount, rate } from './money.ts'
export type { MoneyAmount } from './money.ts'
export { accountRole, scope, scopes } from './scopes.ts'
export type { AccountRole, Scope } from './scopes.ts'
