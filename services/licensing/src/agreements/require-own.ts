import { Fault } from '@tallystick/protocol'
import type { Caller } from '@tallystick/runtime'

/**
 * The creator in whose name the caller makes an offer or agreement: anyone for an operator, itself for a creator, whose
 * names are `names`. Throws Fault `forbidden`, and `validation_failed` when an operator names nobody.
 */
export function requireOwn(caller: Caller, names: readonly string[], creator: string | undefined): string {
  const { role, account } = caller
  if (role === 'operator') {
    if (creator !== undefined) return creator
    const errors = [{ pointer: '/creator_id', message: 'is required', fix: 'Name the creator who licenses.' }]
    throw new Fault('validation_failed', { errors })
  }
  if (creator === undefined || names.includes(creator)) return creator ?? account
  throw new Fault('forbidden', { detail: 'A creator licenses in its own name only' })
}
