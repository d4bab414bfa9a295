import { licenseRoutes, offerRoutes } from './agreements/agreements-router.ts'
import { chargeRoutes } from './agreements/charge-routes.ts'
import { api } from './api.ts'
import { catalogRoutes } from './catalog/catalog-router.ts'
import { decisionRoutes } from './decisions/decision-routes.ts'
import { exportRoutes } from './exports/exports-router.ts'
import { privacyRoutes } from './privacy/privacy-router.ts'

/** The licensing service's procedures: the same over tRPC and REST. */
export const router = api.router({
  licenses: api.router({ ...licenseRoutes, ...chargeRoutes, ...exportRoutes }),
  offers: api.router(offerRoutes),
  ...catalogRoutes,
  ...decisionRoutes,
  ...privacyRoutes,
})

/** The type that clients of the licensing service are made from. */
export type LicensingRouter = typeof router
