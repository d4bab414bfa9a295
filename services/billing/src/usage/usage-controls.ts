import { ensure, expect, replace } from '@tallystick/storage'
import type { Stored, Write } from '@tallystick/storage'
import type { z } from 'zod'
import type { Deps } from '../deps.ts'
import { usageControls } from './collections.ts'

/** What reports of a customer's usage must know. */
export type Control = z.infer<typeof usageControls.schema>
/** By customer id. */
export type Controls = ReadonlyMap<string, Stored<Control>>

/** The controls of some customers; where there is none yet, what it will be, at version 0. */
export async function controlsOf(
  { store }: Pick<Deps, 'store'>,
  tenant: string,
  customers: ReadonlySet<string>,
): Promise<Controls> {
  const ids = [...customers]
  const found = await store.getMany(usageControls, ids)
  return new Map(ids.map((id, at) => [id, found[at] ?? { id, tenant, alerts: 0, version: 0 }]))
}

/** Lets a commit pass only while the controls stay as they were read; makes those that are missing. */
export function expectControls(controls: Controls): Write[] {
  return [...controls.values()].flatMap(({ version, ...control }) =>
    version === 0
      ? [ensure(usageControls, control), expect(usageControls, control.id, 1)]
      : [expect(usageControls, control.id, version)],
  )
}

/** Changes a control, making it first where it is missing; StaleVersion when it has changed since it was read. */
export function changeControl({ version, ...control }: Stored<Control>, change: Partial<Control>): Write[] {
  const changed = { ...control, ...change }
  return version === 0
    ? [ensure(usageControls, control), replace(usageControls, changed, 1)]
    : [replace(usageControls, changed, version)]
}
