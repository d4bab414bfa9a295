import { Fault } from '@tallystick/protocol'
import type { Caller } from '@tallystick/runtime'

/** Lets only operators pass: nobody writes their own invoices or grants themselves credit. Throws Fault `forbidden`. */
export function requireOperator({ role }: Pick<Caller, 'role'>): void {
  if (role !== 'operator')
    throw new Fault('forbidden', { detail: 'Only an operator of the marketplace may do this' })
}
