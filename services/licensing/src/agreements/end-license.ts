import type { License } from '@tallystick/protocol'
import type { Caller, Plan } from '@tallystick/runtime'
import { replace } from '@tallystick/storage'
import type { Write } from '@tallystick/storage'
import { licenses } from '../collections.ts'
import type { Deps } from '../deps.ts'
import { releaseItems } from './exclusivity.ts'
import { findLicense, requireAction } from './find-license.ts'
import { takeStep, unchanged } from './license-change.ts'
import type { StepBy } from './license-change.ts'
import { licenseView } from './license-view.ts'
import type { StoredLicense } from './license-view.ts'

type EndDeps = Pick<Deps, 'store' | 'identity' | 'now' | 'newId' | 'livemode'>
type Ending = 'revoked' | 'terminated' | 'expired'

/** Ends an agreement before its time: its creator or operator revokes it, either party terminates it. */
export async function endLicense(
  deps: EndDeps,
  caller: Caller,
  action: 'revoke' | 'terminate',
  input: { license_id: string; reason: string },
): Promise<Plan<License>> {
  const found = await findLicense(deps, caller, input.license_id)
  requireAction(action, found)
  const status = action === 'revoke' ? 'revoked' : 'terminated'
  const by = { actor: caller.account, at: deps.now(), reason: input.reason }
  const { license, writes } = await ended(deps, found, status, by)
  return { writes, answer: licenseView(deps, license) }
}

/** The agreement ended, and the writes for it; an amendment that waits for it ends with it. */
export async function ended(
  deps: Pick<Deps, 'store' | 'now' | 'newId' | 'livemode'>,
  { license, version }: { license: StoredLicense; version: number },
  status: Ending,
  by: StepBy,
): Promise<{ license: StoredLicense; writes: Write[] }> {
  const kind = `license.${status}` as const
  const change = takeStep(deps, unchanged(license), { kind, status }, by)
  const writes = [replace(licenses, change.license, version), ...change.events]
  writes.push(...(await releaseItems(deps, license.id)))
  const waiting = await waitingAmendment(deps, license)
  // What was agreed to follow on an agreement that ends in time does follow; else there is nothing left to amend.
  if (waiting && !(status === 'expired' && waiting.license.status === 'accepted')) {
    const reason = `The agreement that it amends was ${status}`
    writes.push(...(await ended(deps, waiting, status, { ...by, reason })).writes)
  }
  return { license: change.license, writes }
}

/** The amendment of a license that is offered or accepted but not yet in its place; there is one at most. */
export async function waitingAmendment(
  { store }: Pick<Deps, 'store'>,
  { tenant, id }: Pick<StoredLicense, 'tenant' | 'id'>,
): Promise<{ license: StoredLicense; version: number } | undefined> {
  for await (const found of store.scan(licenses.bySupersedes, { equals: [tenant, id] })) {
    const { version, ...license } = found
    if (license.status === 'offered' || license.status === 'accepted') return { license, version }
  }
  return undefined
}
