import { Fault } from '@tallystick/protocol'
import type { LicenseStatus } from '@tallystick/protocol'
import { replace, StorageError } from '@tallystick/storage'
import type { Write } from '@tallystick/storage'
import { licenses } from '../collections.ts'
import type { Deps } from '../deps.ts'
import { activate } from './accept-license.ts'
import { ended } from './end-license.ts'
import { requireNoConflict } from './exclusivity.ts'
import { clock, takeStep, unchanged } from './license-change.ts'
import type { StoredLicense } from './license-view.ts'

type ClockDeps = Pick<Deps, 'store' | 'identity' | 'now' | 'newId' | 'livemode' | 'log'>

const moving: readonly LicenseStatus[] = ['active', 'accepted', 'offered']
const pageSize = 100
const retryMs = 60 * 60 * 1000

/**
 * Moves on every agreement whose time has come: begins what is accepted, ends what is over. Each step is one commit at
 * the version that was read, so that of two copies at once one makes it. `fence` belongs into each commit. Gives how many moved.
 */
export async function advanceLicenses(
  deps: ClockDeps,
  fence: () => readonly Write[] = () => [],
): Promise<number> {
  let moved = 0
  for (const status of moving) {
    for await (const id of dueLicenses(deps, status)) {
      try {
        if (await advanceOne(deps, id, fence)) moved++
      } catch (error) {
        // One agreement that cannot move must not keep the others waiting; a lost lease or store ends the run.
        if (error instanceof StorageError) throw error
        deps.log.error({ license: id, err: error }, 'an agreement could not be moved on')
      }
    }
  }
  return moved
}

/** The ids of what is due, read page by page before each is moved: what moves leaves the index. */
async function* dueLicenses({ store, now }: ClockDeps, status: LicenseStatus): AsyncIterable<string> {
  let after: string | undefined
  const range = { upTo: now() }
  do {
    const page = await store.find(licenses.due, { equals: [status], range, limit: pageSize, after })
    yield* page.items.map(({ id }) => id)
    after = page.next
  } while (after !== undefined)
}

async function advanceOne(deps: ClockDeps, id: string, fence: () => readonly Write[]): Promise<boolean> {
  return deps.store.attempt(async () => {
    const found = await deps.store.get(licenses, id)
    const at = deps.now()
    if (!found?.dueAt || found.dueAt > at) return false
    const { version, ...license } = found
    await deps.store.commit([...fence(), ...(await nextStep(deps, { license, version }, at))])
    return true
  })
}

async function nextStep(
  deps: ClockDeps,
  { license, version }: { license: StoredLicense; version: number },
  at: Date,
): Promise<Write[]> {
  const { status, effectiveFrom: from = at, effectiveUntil: until } = license
  if (status !== 'accepted' || (until && until <= at)) {
    const by = { actor: clock, at, reason: 'Its time is over' }
    return (await ended(deps, { license, version }, 'expired', by)).writes
  }
  try {
    await requireNoConflict(deps, license, { from, until })
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    // An item came into a dataset that is licensed exclusively to another. The beginning itself is put off, since
    // decisions go by the period and not by the status.
    const effectiveFrom = new Date(Math.min(at.getTime() + retryMs, until?.getTime() ?? Infinity))
    const step = { kind: 'license.updated', changes: { effectiveFrom } } as const
    const by = { actor: clock, at, reason: `It cannot begin. ${error.detail}` }
    const put = takeStep(deps, unchanged(license), step, by)
    return [replace(licenses, put.license, version), ...put.events]
  }
  const by = { actor: clock, at, reason: 'Its time has come' }
  const { change, writes } = await activate(deps, unchanged(license), by)
  return [replace(licenses, change.license, version), ...change.events, ...writes]
}
