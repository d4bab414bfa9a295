import type { ItemUpdate } from '@tallystick/protocol'
import type { Caller, Plan } from '@tallystick/runtime'
import { replace } from '@tallystick/storage'
import { announce, digestOf } from '../announce.ts'
import { items } from '../collections.ts'
import type { Deps } from '../deps.ts'
import { requireItem } from './find-item.ts'
import { itemView } from './item-view.ts'
import type { Item } from './item-view.ts'

/** Plans a change of an item; what is left out stays. Throws Fault `not_found`. */
export async function updateItem(
  deps: Deps,
  caller: Caller,
  name: string,
  input: ItemUpdate,
): Promise<Plan<Item>> {
  const { item, dataset } = await requireItem(deps, caller, name)
  const { version, ...before } = item
  const after = {
    ...before,
    ...(input.consent_required !== undefined && { consentRequired: input.consent_required }),
    prohibitedUses: [...new Set(input.prohibited_uses ?? before.prohibitedUses)],
    metadata: input.metadata ?? before.metadata,
  }
  const answer = itemView(deps.livemode, after, dataset)
  const change = {
    subject: item.id,
    before: digestOf(itemView(deps.livemode, before, dataset)),
    after: digestOf(answer),
  }
  const { write } = announce(deps, caller, { kind: 'item.updated', items: [item.hash], data: { change } })
  return { writes: [replace(items, after, version), write], answer }
}
