import {
  dataset,
  datasetInput,
  datasetUpdate,
  Fault,
  idSchema,
  listOf,
  manifestSummary,
  pageInput,
  reference,
} from '@tallystick/protocol'
import { DuplicateKey } from '@tallystick/storage'
import { z } from 'zod'
import { api, licensors } from '../api.ts'
import { datasets } from '../collections.ts'
import { createDataset, referenceTaken } from './create-dataset.ts'
import { countItems, datasetView } from './dataset-view.ts'
import { exampleIds } from './examples.ts'
import { requireDataset } from './find-dataset.ts'
import { listDatasets } from './list-datasets.ts'
import { manifestExamples, manifestFormats } from './manifest-formats.ts'
import { registerManifest } from './register-manifest.ts'
import { updateDataset } from './update-dataset.ts'

const tags = ['Datasets']
const datasetId = { dataset_id: idSchema('dataset') }

/** `/v1/datasets`. */
export const datasetRoutes = {
  create: api
    .procedure({
      ...licensors,
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
      ...licensors,
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

  registerManifest: api
    .procedure({
      ...licensors,
      tags,
      summary: 'Register the items of a manifest',
      description:
        'A file of items of any length. Lines that cannot be registered are refused one by one; the first hundred are told. Idempotent by content hash: after a break send the same file again, what was registered counts as duplicate then.',
      scope: 'catalog:write',
      errors: ['not_found'],
      rest: {
        method: 'POST',
        path: '/v1/datasets/{dataset_id}/manifest',
        takes: { types: manifestExamples },
      },
      examples: [{ input: { dataset_id: exampleIds.dataset } }],
    })
    .input(z.strictObject(datasetId))
    .output(manifestSummary)
    .mutation(async ({ ctx, input }) => {
      const { mediaType, bytes } = ctx.upload()
      const format = manifestFormats[mediaType]
      if (!format) throw new Fault('unsupported_media_type')
      const { id } = await requireDataset(ctx.deps, ctx.caller, input.dataset_id)
      return registerManifest(ctx.deps, ctx.caller, id, { source: bytes, read: format() })
    }),
}
