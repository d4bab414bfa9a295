import type { DatasetUpdate } from '@tallystick/protocol'
import type { Caller, Plan } from '@tallystick/runtime'
import { replace } from '@tallystick/storage'
import { announce, digestOf } from '../announce.ts'
import { datasets } from '../collections.ts'
import type { Deps } from '../deps.ts'
import { countItems, datasetView } from './dataset-view.ts'
import type { Dataset } from './dataset-view.ts'
import { requireDataset } from './find-dataset.ts'
import { requireOwn } from './reach.ts'

/** Plans a change of a dataset; what is left out stays. Its items keep the creators that they were registered with. */
export async function updateDataset(
  deps: Deps,
  caller: Caller,
  id: string,
  input: DatasetUpdate,
): Promise<Plan<Dataset>> {
  const { version, ...before } = await requireDataset(deps, caller, id)
  if (input.creators) await requireOwn(deps, caller, input.creators)
  const after = {
    ...before,
    name: input.name ?? before.name,
    creators: [...new Set(input.creators ?? before.creators)],
    consentRequired: input.consent_required ?? before.consentRequired,
    prohibitedUses: [...new Set(input.prohibited_uses ?? before.prohibitedUses)],
    metadata: input.metadata ?? before.metadata,
  }
  const [items = 0] = await countItems(deps, [id])
  const answer = datasetView(deps.livemode, after, items)
  const change = {
    subject: id,
    before: digestOf(datasetView(deps.livemode, before, items)),
    after: digestOf(answer),
  }
  if (change.before === change.after) return { writes: [], answer }
  const { write } = announce(deps, caller, { kind: 'dataset.updated', data: { change } })
  return { writes: [replace(datasets, after, version), write], answer }
}
