export { licensingConfig, licensingLinks } from './config.ts'
export type { LicensingConfig } from './config.ts'
export type {
  AuditErasure,
  BodySelection,
  ErasedBodies,
  IdentityLink,
  Party,
  PersonalRecords,
} from './deps.ts'
export type { LicensingRouter } from './router.ts'
export { licensingCollections, startLicensing } from './start-licensing.ts'
export type { LicensingService } from './start-licensing.ts'
