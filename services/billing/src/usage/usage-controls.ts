import { ensure, expect } from '@tallystick/storage'
import type { Stored, Write } from '@tallystick/storage'
import type { z } from 'zod'
import type { Deps } from '../deps.ts'
import { usageControls } from './collections.ts'

/** What reports of a customer's usage must know. */
export type Control = z.infer<typeof usageControls.schema>
/** By customer id. */
export type Controls = ReadonlyMap<string, Stored<Control>>

/** The controls of some customers; where there is none yet, what it will be. */
export async function controlsOf(
  { store }: Pick<Deps, 'store'>,
  tenant: string,
  customers: ReadonlySet<string>,
): Promise<Controls> {
  const ids = [...customers]
  const found = await store.getMany(usageControls, ids)
  return new Map(ids.map((id, at) => [id, found[at] ?? { id, tenant, alerts: 0, version: 1 }]))
}

/** Lets a commit pass only while the controls stay as they were read; makes those that are missing. */
export function expectControls(controls: Controls): Write[] {
  return [...controls.values()].flatMap(({ version, ...control }) =>
    version === 1
      ? [ensure(usageControls, control), expect(usageControls, control.id, version)]
      : [expect(usageControls, control.id, version)],
  )
}
