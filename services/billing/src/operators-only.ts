import { Fault } from '@tallystick/protocol'
import type { Caller } from '@tallystick/runtime'

/** Refuses the fields among `names` that a caller sets who is no operator. Throws Fault `forbidden` with their pointers. */
export function operatorsOnly<Input extends object>(
  { role }: Pick<Caller, 'role'>,
  input: Input,
  names: readonly (keyof Input & string)[],
): void {
  if (role === 'operator') return
  const set = names.filter((name) => input[name] !== undefined)
  if (set.length === 0) return
  const message = 'is for operators of the marketplace to set'
  throw new Fault('forbidden', {
    errors: set.map((name) => ({ pointer: `/${name}`, message, fix: 'Remove it.' })),
  })
}
