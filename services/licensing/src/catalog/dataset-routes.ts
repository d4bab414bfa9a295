import {
  dataset,
  datasetInput,
  datasetUpdate,
  idSchema,
  listOf,
  pageInput,
  reference,
} from '@tallystick/protocol'
import { DuplicateKey } from '@tallystick/storage'
import { z } from 'zod'
import { api } from '../api.ts'
import { datasets } from '../collections.ts'
import { createDataset, referenceTaken } from './create-dataset.ts'
import { countItems, datasetView } from './dataset-view.ts'
import { exampleIds } from './examples.ts'
import { requireDataset } from './find-dataset.ts'
import { listDatasets } from './list-datasets.ts'
import { updateDataset } from './update-dataset.ts'

const tags = ['Datasets']
const datasetId = { dataset_id: idSchema('dataset') }

/** `/v1/datasets`; the manifest upload beside them is in manifest-route.ts. */
export const datasetRoutes = {
  create: api
    .procedure({
      tags,
      summary: 'Create a dataset',
      scope: 'catalog:write',
      idempotency: 'accepted',
      errors: ['already_exists'],
      rest: { method: 'POST', path: '/v1/datasets', status: 201 },
      examples: [{ input: { name: 'Street scenes', reference: 'streets', creators: ['cr_123'] } }],
    })
    .input(datasetInput)
    .output(dataset)
    .mutation(async ({ ctx, input }) => {
      try {
        return await ctx.once(() => createDataset(ctx.deps, ctx.caller, input))
      } catch (error) {
        if (error instanceof DuplicateKey && error.collection === datasets.name) throw referenceTaken()
        throw error
      }
    }),

  list: api
    .procedure({
      tags,
      summary: 'List datasets, newest first',
      description: "A creator's key lists its own.",
      scope: 'catalog:read',
      rest: { method: 'GET', path: '/v1/datasets' },
      examples: [{ input: { creator: 'cr_123', limit: 10 } }],
    })
    .input(z.strictObject({ creator: reference.optional(), ...pageInput }))
    .output(listOf(dataset))
    .query(({ ctx, input }) => listDatasets(ctx.deps, ctx.caller, input)),

  get: api
    .procedure({
      tags,
      summary: 'A dataset',
      scope: 'catalog:read',
      errors: ['not_found'],
      rest: { method: 'GET', path: '/v1/datasets/{dataset_id}' },
      examples: [{ input: { dataset_id: exampleIds.dataset } }],
    })
    .input(z.strictObject(datasetId))
    .output(dataset)
    .query(async ({ ctx, input }) => {
      const found = await requireDataset(ctx.deps, ctx.caller, input.dataset_id)
      const [items = 0] = await countItems(ctx.deps, [found.id])
      return datasetView(ctx.deps.livemode, found, items)
    }),

  update: api
    .procedure({
      tags,
      summary: 'Change a dataset',
      description: 'What is left out stays. Items keep the creators that they were registered with.',
      scope: 'catalog:write',
      idempotency: 'accepted',
      errors: ['not_found'],
      rest: { method: 'POST', path: '/v1/datasets/{dataset_id}' },
      examples: [{ input: { dataset_id: exampleIds.dataset, prohibited_uses: ['train'] } }],
    })
    .input(datasetUpdate.extend(datasetId))
    .output(dataset)
    .mutation(({ ctx, input: { dataset_id, ...change } }) =>
      ctx.once(() => updateDataset(ctx.deps, ctx.caller, dataset_id, change)),
    ),
}
