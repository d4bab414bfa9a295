import type { ItemInput } from '@tallystick/protocol'
import type { Caller } from '@tallystick/runtime'
import type { z } from 'zod'
import type { items } from '../collections.ts'
import type { Deps } from '../deps.ts'
import { itemIdOf } from '../item-id.ts'
import { ownNames } from './reach.ts'
import { findDataset } from './find-dataset.ts'
import type { StoredDataset } from './find-dataset.ts'

export type StoredItem = z.infer<(typeof items)['schema']>

/** Why one item was refused. `pointer` is the field of the item. */
export interface ItemRefusal {
  code: 'already_exists' | 'reference_not_found' | 'validation_failed'
  detail: string
  pointer: string
}

/** An item that could be stored. */
export interface AcceptedItem {
  hash: string
  document: StoredItem
  /** Whether its creators were told, or are those of its dataset. */
  creatorsGiven: boolean
}

/** An item that could be stored, or why it cannot be. */
export type PreparedItem = AcceptedItem | { hash: string; refusal: ItemRefusal }

/** Turns what was sent into what would be stored, in the same order: reads the datasets that are named, writes nothing. */
export async function prepareItems(
  deps: Pick<Deps, 'store' | 'identity' | 'now'>,
  caller: Caller,
  inputs: readonly ItemInput[],
): Promise<PreparedItem[]> {
  const named = new Map<string, StoredDataset | undefined>()
  for (const { dataset } of inputs) {
    if (dataset !== undefined && !named.has(dataset)) {
      named.set(dataset, await findDataset(deps, caller, dataset))
    }
  }
  const own = caller.role === 'creator' ? await ownNames(deps, caller) : undefined
  const at = deps.now()
  return inputs.map((input) => {
    const dataset = input.dataset === undefined ? undefined : named.get(input.dataset)
    const creators = input.creators ?? dataset?.creators
    const refusal = refusalOf(input, dataset, creators, own)
    if (refusal) return { hash: input.hash, refusal }
    const document = documentOf(caller.tenant, input, { dataset, creators: creators ?? [], at })
    return { hash: input.hash, document, creatorsGiven: input.creators !== undefined }
  })
}

function refusalOf(
  input: ItemInput,
  dataset: StoredDataset | undefined,
  creators: readonly string[] | undefined,
  own: readonly string[] | undefined,
): ItemRefusal | undefined {
  if (input.dataset !== undefined && !dataset)
    return { code: 'reference_not_found', detail: 'there is no such dataset', pointer: '/dataset' }
  if (!creators)
    return { code: 'validation_failed', detail: 'needs creators or a dataset', pointer: '/creators' }
  if (own && !creators.some((creator) => own.includes(creator)))
    return { code: 'validation_failed', detail: "must name the key's own account", pointer: '/creators' }
  return undefined
}

function documentOf(
  tenant: string,
  input: ItemInput,
  { dataset, creators, at }: { dataset: StoredDataset | undefined; creators: string[]; at: Date },
): StoredItem {
  return {
    id: itemIdOf(tenant, input.hash),
    tenant,
    hash: input.hash,
    ...(input.reference !== undefined && { reference: input.reference }),
    ...(dataset && { dataset: dataset.id }),
    creators: [...new Set(creators)],
    consents: [],
    ...(input.consent_required !== undefined && { consentRequired: input.consent_required }),
    prohibitedUses: [...new Set(input.prohibited_uses)],
    metadata: input.metadata,
    createdAt: at,
  }
}
