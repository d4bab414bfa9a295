import { agreementRoutes } from './agreements/agreements-router.ts'
import { api } from './api.ts'
import { catalogRoutes } from './catalog/catalog-router.ts'
import { decisionRoutes } from './decisions/decision-routes.ts'
import { exportRoutes } from './exports/exports-router.ts'
import { privacyRoutes } from './privacy/privacy-router.ts'

/** The licensing service's procedures: the same over tRPC and REST. */
export const router = api.router({
  ...agreementRoutes,
  ...catalogRoutes,
  ...decisionRoutes,
  ...exportRoutes,
  ...privacyRoutes,
})

/** The type that clients of the licensing service are made from. */
export type LicensingRouter = typeof router
