/** Datasets, items, consents and legal texts. */
export const catalogRoutes = {}
