import { Fault } from '@tallystick/protocol'
import type { DatasetInput } from '@tallystick/protocol'
import type { Caller, Plan } from '@tallystick/runtime'
import { insert } from '@tallystick/storage'
import { announce, digestOf } from '../announce.ts'
import { datasets } from '../collections.ts'
import type { Deps } from '../deps.ts'
import { datasetView } from './dataset-view.ts'
import type { Dataset } from './dataset-view.ts'
import { requireOwn } from './reach.ts'

/** Plans a new dataset. Throws Fault `already_exists` when the tenant has one of that reference. */
export async function createDataset(deps: Deps, caller: Caller, input: DatasetInput): Promise<Plan<Dataset>> {
  await requireOwn(deps, caller, input.creators)
  const { tenant } = caller
  if (input.reference !== undefined) {
    const equals = [tenant, input.reference]
    if ((await deps.store.find(datasets.byReference, { equals, limit: 1 })).items.length > 0)
      throw referenceTaken()
  }
  const stored = {
    id: deps.newId('dataset'),
    tenant,
    ...(input.reference !== undefined && { reference: input.reference }),
    name: input.name,
    creators: [...new Set(input.creators)],
    consents: [],
    consentRequired: input.consent_required,
    prohibitedUses: [...new Set(input.prohibited_uses)],
    metadata: input.metadata,
    createdAt: deps.now(),
  }
  const answer = datasetView(deps.livemode, stored, 0)
  const data = { change: { subject: stored.id, after: digestOf(answer) } }
  const { write } = announce(deps, caller, { kind: 'dataset.created', data })
  return { writes: [insert(datasets, stored), write], answer }
}

/** The refusal of a reference that another dataset has. */
export function referenceTaken(): Fault {
  return new Fault('already_exists', { detail: 'The tenant has a dataset with this reference' })
}
