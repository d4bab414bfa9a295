import { Fault } from '@tallystick/protocol'
import type { Caller } from '@tallystick/runtime'

/** Refuses whoever does not run the marketplace. Throws Fault `forbidden`. */
export function requireOperator({ role }: Pick<Caller, 'role'>): void {
  if (role !== 'operator') throw new Fault('forbidden', { detail: 'Only operators can do this' })
}
