import { Fault } from '@tallystick/protocol'
import type { License } from '@tallystick/protocol'
import type { Caller, Plan } from '@tallystick/runtime'
import { expect, replace } from '@tallystick/storage'
import type { Write } from '@tallystick/storage'
import { licenses } from '../collections.ts'
import type { Deps } from '../deps.ts'
import { effectivePeriod } from './effective-period.ts'
import { claimItems, releaseItems } from './exclusivity.ts'
import { findLicense, requireAction } from './find-license.ts'
import { takeStep, unchanged } from './license-change.ts'
import type { LicenseChange, StepBy } from './license-change.ts'
import { licenseView } from './license-view.ts'
import type { StoredLicense } from './license-view.ts'

type AcceptDeps = Pick<Deps, 'store' | 'identity' | 'now' | 'newId' | 'livemode'>

/** An agreement that has moved on, and what its commit holds beside it. */
export interface MovedLicense {
  change: LicenseChange
  writes: readonly Write[]
}

/** Accepts an offered agreement; it becomes active at once unless it begins later. */
export async function acceptLicense(
  deps: AcceptDeps,
  caller: Caller,
  input: { license_id: string; reason?: string | undefined },
): Promise<Plan<License>> {
  const found = await findLicense(deps, caller, input.license_id)
  requireAction('accept', found)
  const by = { actor: caller.account, at: deps.now(), reason: input.reason ?? '' }
  const { change, writes } = await agree(deps, unchanged(found.license), by)
  return {
    writes: [replace(licenses, change.license, found.version), ...change.events, ...writes],
    answer: licenseView(deps, change.license),
  }
}

/**
 * Takes an offered agreement to `accepted`, and on to `active` when it begins now: fixes its period, claims its items,
 * and puts it in the place of the one it amends. Throws Fault `invalid_state` and `exclusivity_conflict`.
 */
export async function agree(deps: AcceptDeps, change: LicenseChange, by: StepBy): Promise<MovedLicense> {
  const { license } = change
  const { effectiveFrom, effectiveUntil, terms } = license
  const period = effectivePeriod(
    { from: effectiveFrom, until: effectiveUntil, durationDays: terms.duration_days },
    by.at,
  )
  if (period.until && period.until <= by.at) {
    throw new Fault('invalid_state', { detail: 'The time of the agreement is over' })
  }
  const base = await amendedLicense(deps, license)
  const claims = await claimItems(deps, license, period)
  const changes = { effectiveFrom: period.from, effectiveUntil: period.until }
  const accepted = takeStep(deps, change, { kind: 'license.accepted', status: 'accepted', changes }, by)
  if (period.from > by.at) {
    return {
      change: accepted,
      writes: [...claims, ...(base ? [expect(licenses, base.id, base.version)] : [])],
    }
  }
  const active = await activate(deps, accepted, by)
  return { change: active.change, writes: [...claims, ...active.writes] }
}

/** Takes an accepted agreement to `active`; the one that it amends becomes `superseded` in the same commit. */
export async function activate(
  deps: Pick<Deps, 'store' | 'now' | 'newId' | 'livemode'>,
  change: LicenseChange,
  by: StepBy,
): Promise<MovedLicense> {
  const { id, supersedes } = change.license
  const active = takeStep(deps, change, { kind: 'license.activated', status: 'active' }, by)
  const found = supersedes === undefined ? undefined : await deps.store.get(licenses, supersedes)
  if (!found || !holds(found)) return { change: active, writes: [] }
  const { version, ...base } = found
  const reason = `Amended by ${id}`
  const step = {
    kind: 'license.superseded',
    status: 'superseded',
    changes: { supersededBy: id },
  } as const
  const superseded = takeStep(deps, unchanged(base), step, { ...by, reason })
  const writes = [replace(licenses, superseded.license, version), ...superseded.events]
  return { change: active, writes: [...writes, ...(await releaseItems(deps, base.id))] }
}

async function amendedLicense({ store }: Pick<Deps, 'store'>, { supersedes }: StoredLicense) {
  if (supersedes === undefined) return undefined
  const base = await store.get(licenses, supersedes)
  if (base && holds(base)) return base
  throw new Fault('invalid_state', { detail: 'The agreement that this one amends has ended' })
}

function holds({ status }: StoredLicense): boolean {
  return status === 'accepted' || status === 'active'
}
