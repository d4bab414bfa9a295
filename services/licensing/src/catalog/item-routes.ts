import {
  contentHash,
  Fault,
  idSchema,
  item,
  itemDetail,
  itemInput,
  itemOutcomes,
  itemUpdate,
  listOf,
  pageInput,
  reference,
} from '@tallystick/protocol'
import type { ItemOutcome } from '@tallystick/protocol'
import { z } from 'zod'
import { api, licensors } from '../api.ts'
import { exampleIds } from './examples.ts'
import { describeItem, requireItem } from './find-item.ts'
import { itemView } from './item-view.ts'
import { listItems } from './list-items.ts'
import { registerItems } from './register-items.ts'
import type { Registration } from './register-items.ts'
import { updateItem } from './update-item.ts'

const tags = ['Items']
const itemId = { item_id: z.union([idSchema('item'), contentHash]) }
const mostItems = 10_000

/** `/v1/items`. */
export const itemRoutes = {
  register: api
    .procedure({
      ...licensors,
      tags,
      summary: 'Register an item by its content hash',
      description:
        'Answers 201 for a new item and 200 for one that is registered already with the same owners.',
      scope: 'catalog:write',
      errors: ['already_exists', 'reference_not_found'],
      rest: { method: 'POST', path: '/v1/items', status: 201 },
      examples: [{ input: { hash: exampleIds.hash, creators: ['cr_123'], reference: 'empty.txt' } }],
    })
    .input(itemInput)
    .output(item)
    .mutation(async ({ ctx, input }) => {
      const [outcome] = await registerItems(ctx.deps, ctx.caller, [input])
      if (outcome?.status === 'refused') throw refusalOf(outcome.error)
      const found = await requireItem(ctx.deps, ctx.caller, input.hash)
      return itemView(ctx.deps.livemode, found.item, found.dataset)
    }),

  registerBatch: api
    .procedure({
      ...licensors,
      tags,
      summary: 'Register up to 10,000 items',
      description:
        'Each item is registered, a duplicate, or refused on its own. The same request can be sent again after a break.',
      scope: 'catalog:write',
      rest: { method: 'POST', path: '/v1/items/batch' },
      examples: [{ input: { items: [{ hash: exampleIds.hash, creators: ['cr_123'] }] } }],
    })
    .input(z.strictObject({ items: z.array(itemInput).min(1).max(mostItems) }))
    .output(itemOutcomes)
    .mutation(async ({ ctx, input }) => {
      const data = (await registerItems(ctx.deps, ctx.caller, input.items)).map(toOutcome)
      const count = (status: ItemOutcome['status']) => data.filter((one) => one.status === status).length
      return {
        object: 'item_outcomes' as const,
        registered: count('registered'),
        duplicates: count('duplicate'),
        refused: count('refused'),
        data,
      }
    }),

  list: api
    .procedure({
      tags,
      summary: 'List items, newest first',
      description: "A creator's key lists its own, and those of its datasets.",
      scope: 'catalog:read',
      rest: { method: 'GET', path: '/v1/items' },
      examples: [{ input: { creator: 'cr_123' } }],
    })
    .input(z.strictObject({ dataset: reference.optional(), creator: reference.optional(), ...pageInput }))
    .output(listOf(item))
    .query(({ ctx, input }) => listItems(ctx.deps, ctx.caller, input)),

  get: api
    .procedure({
      tags,
      summary: 'An item by its id or content hash, with its offers and consents',
      scope: 'catalog:read',
      errors: ['not_found'],
      rest: { method: 'GET', path: '/v1/items/{item_id}' },
      examples: [{ input: { item_id: exampleIds.hash } }],
    })
    .input(z.strictObject(itemId))
    .output(itemDetail)
    .query(({ ctx, input }) => describeItem(ctx.deps, ctx.caller, input.item_id)),

  update: api
    .procedure({
      ...licensors,
      tags,
      summary: 'Change an item',
      description: 'What is left out stays.',
      scope: 'catalog:write',
      idempotency: 'accepted',
      errors: ['not_found'],
      rest: { method: 'POST', path: '/v1/items/{item_id}' },
      examples: [{ input: { item_id: exampleIds.hash, prohibited_uses: ['train'] } }],
    })
    .input(itemUpdate.extend(itemId))
    .output(item)
    .mutation(({ ctx, input: { item_id, ...change } }) =>
      ctx.once(() => updateItem(ctx.deps, ctx.caller, item_id, change)),
    ),
}

function toOutcome(registration: Registration): ItemOutcome {
  if (registration.status !== 'refused') return registration
  const { hash, error } = registration
  return { status: 'refused', hash, error: { code: error.code, detail: `${error.pointer} ${error.detail}` } }
}

function refusalOf({ code, detail, pointer }: Extract<Registration, { status: 'refused' }>['error']): Fault {
  return new Fault(code, { errors: [{ pointer, message: detail }] })
}
