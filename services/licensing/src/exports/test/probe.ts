import { judgeLicense } from '../../decisions/judge-license.ts'
import type { ExportedLicense } from '../license-grant.ts'

/** A use that someone asks about. */
export interface Probe {
  purpose: string
  /** An ISO 3166-1 alpha-2 code; absent when nobody says where. */
  region?: string | undefined
  model?: string | undefined
  at: Date
  /** Whether the buyer of the license asks, who pays and keeps to the seats; anyone else is a stranger. */
  buyer: boolean
}

/** Whether the license itself permits the use: as a decision of the policy says. */
export function sourcePermits(license: ExportedLicense, probe: Probe): boolean {
  const { purpose, region, model, at, buyer } = probe
  const { id, status, terms, effective_from: from, effective_until: until } = license
  const facts = {
    id,
    status,
    terms,
    effectiveFrom: from === undefined ? undefined : new Date(from),
    effectiveUntil: until === undefined ? undefined : new Date(until),
    supersedes: license.supersedes,
    history: license.history.map((step) => ({ status: step.status, at: new Date(step.at) })),
  }
  return buyer && judgeLicense({ purpose, region, modelId: model, at }, facts).permits
}

/** When the exports under test are made. */
export const exportedAt = new Date('2026-11-21T12:00:00.000Z')
