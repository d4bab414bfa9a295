import { accountsRouter } from './accounts-router.ts'
import { apiKeysRouter } from './api-keys-router.ts'
import { api } from './api.ts'
import { personalDataRouter } from './personal-data-router.ts'
import { tenantsRouter } from './tenants-router.ts'

/** The identity service's procedures: the same over tRPC and REST. */
export const router = api.router({
  accounts: accountsRouter,
  personalData: personalDataRouter,
  tenants: tenantsRouter,
  apiKeys: apiKeysRouter,
})

/** The type that clients of the identity service are made from. */
export type IdentityRouter = typeof router
