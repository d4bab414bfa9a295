import { consentRoutes } from './consent-routes.ts'
import { datasetRoutes } from './dataset-routes.ts'
import { itemRoutes } from './item-routes.ts'
import { templateRoutes } from './template-routes.ts'

/** Datasets, items, consents and legal texts. */
export const catalogRoutes = {
  datasets: datasetRoutes,
  items: itemRoutes,
  consents: consentRoutes,
  templates: templateRoutes,
}
