import type { LicenseStatus } from '@tallystick/protocol'
import type { Write } from '@tallystick/storage'
import { announce, digestOf } from '../announce.ts'
import type { Deps } from '../deps.ts'
import { licenseView } from './license-view.ts'
import type { StoredLicense } from './license-view.ts'

/** Who takes a step, when and why. */
export interface StepBy {
  actor: string
  at: Date
  reason: string
}

/** The actor of what time brings about. */
export const clock = 'system'

/** An agreement on its way through one commit: as it will be, and the events of the steps that it took so far. */
export interface LicenseChange {
  license: StoredLicense
  events: readonly Write[]
}

type LicenseEvent =
  | 'license.created'
  | 'license.updated'
  | 'license.offered'
  | 'license.accepted'
  | 'license.activated'
  | 'license.expired'
  | 'license.revoked'
  | 'license.terminated'
  | 'license.superseded'

/** One step: what it is told as, the status it leads to, and what else it changes. */
interface Step {
  kind: LicenseEvent
  status?: LicenseStatus
  changes?: Partial<StoredLicense>
}

type StepDeps = Pick<Deps, 'now' | 'newId' | 'livemode'>

/** An agreement that takes its first step in this commit. */
export function unchanged(license: StoredLicense): LicenseChange {
  return { license, events: [] }
}

/** A new agreement, whose creation is told. */
export function createdLicense(
  deps: StepDeps,
  license: Omit<StoredLicense, 'auditId' | 'history' | 'createdAt' | 'updatedAt'>,
  by: StepBy,
): LicenseChange {
  const { actor, at, reason } = by
  const history = [{ status: license.status, at, actor, reason }]
  const fresh = { ...license, history, createdAt: at, updatedAt: at }
  return told(deps, { kind: 'license.created' }, undefined, fresh, by)
}

/** The agreement one step further: status, history, the time of its next step by the clock, and the event. */
export function takeStep(deps: StepDeps, change: LicenseChange, step: Step, by: StepBy): LicenseChange {
  const { license: before, events } = change
  const { actor, at, reason } = by
  const moved = { ...before, ...step.changes, updatedAt: at }
  if (step.status !== undefined) {
    moved.status = step.status
    moved.history = [...before.history, { status: step.status, at, actor, reason }]
  }
  const next = told(deps, step, before, { ...moved, dueAt: dueOf(moved) }, by)
  return { license: next.license, events: [...events, ...next.events] }
}

/** When the clock moves an agreement on: it begins, it ends, or it is too late to accept it. */
function dueOf({ status, effectiveFrom, effectiveUntil }: StoredLicense): Date | undefined {
  if (status === 'accepted') return effectiveFrom
  return status === 'offered' || status === 'active' ? effectiveUntil : undefined
}

function told(
  deps: StepDeps,
  { kind }: Step,
  before: StoredLicense | undefined,
  after: Omit<StoredLicense, 'auditId'>,
  { actor, reason }: StepBy,
): LicenseChange {
  const seen = licenseView(deps, { ...after, auditId: '' })
  const data = {
    license: after.id,
    status: after.status,
    revision: after.revision,
    creator_id: after.creator,
    buyer_id: after.buyer,
    ...(seen.effective_from !== undefined && { effective_from: seen.effective_from }),
    ...(seen.effective_until !== undefined && { effective_until: seen.effective_until }),
    ...(after.legalText && { text_hash: after.legalText.text_hash }),
    ...(after.supersedes !== undefined && { supersedes: after.supersedes }),
    ...(after.supersededBy !== undefined && { superseded_by: after.supersededBy }),
    change: {
      subject: after.id,
      ...(before && { before: licenseDigest(deps, before) }),
      after: licenseDigest(deps, after),
      reason,
    },
  }
  const record = { kind, licenses: [after.id], items: after.items.filter(isHash), data }
  const { write, auditId } = announce(deps, { tenant: after.tenant, account: actor }, record)
  return { license: { ...after, auditId }, events: [write] }
}

/** The digest of an agreement as the API tells it, without `audit_id`: that names the record which holds the digest. */
function licenseDigest(deps: StepDeps, license: Omit<StoredLicense, 'auditId'>): string {
  const { audit_id: _, ...told } = licenseView(deps, { ...license, auditId: '' })
  return digestOf(told)
}

/** Whether an item of a license is named by its content hash. */
export function isHash(item: string): boolean {
  return /^sha256:[0-9a-f]{64}$/.test(item)
}
