import { ensure, expect } from '@tallystick/storage'
import type { Store, Write } from '@tallystick/storage'
import { holdGuards, legalHolds } from './collections.ts'

/** The holds of a tenant as they stand now. */
export interface ActiveHolds {
  /** The hold on any of these names of parties, licenses or item hashes. */
  on(kind: 'subject' | 'license' | 'item', names: readonly string[]): string | undefined
  names(kind: 'license' | 'item'): string[]
  /** Belongs into each commit that erases: refused once another hold was placed. */
  guard: Write
}

/** Reads the active holds of `tenant`, with the guard first: a hold that comes later breaks the commit. */
export async function activeHolds(store: Store, tenant: string): Promise<ActiveHolds> {
  const guard = await guardOf(store, tenant)
  const held = {
    subject: new Map<string, string>(),
    license: new Map<string, string>(),
    item: new Map<string, string>(),
  }
  for await (const hold of store.scan(legalHolds.byStatus, { equals: [tenant, 'active'] })) {
    for (const name of hold.names) held[hold.on].set(name, hold.id)
  }
  return {
    on: (kind, names) => names.map((name) => held[kind].get(name)).find((id) => id !== undefined),
    names: (kind) => [...held[kind].keys()],
    guard,
  }
}

async function guardOf(store: Store, tenant: string): Promise<Write> {
  const found = await store.get(holdGuards, tenant)
  if (found) return expect(holdGuards, tenant, found.version)
  await store.commit([ensure(holdGuards, { id: tenant, holds: 0 })])
  return guardOf(store, tenant)
}
