import { Fault } from '@tallystick/protocol'
import { collection, insert, openStore } from '@tallystick/storage'
import type { Store } from '@tallystick/storage'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { createApi } from '../api.ts'
import type { Entropy } from '../entropy.ts'
import { systemEntropy } from '../entropy.ts'
import { createServer } from '../create-server.ts'
import { apiKeys } from '../api-keys.ts'
import { keyStore } from '../keys.ts'
import { idempotency } from './records.ts'
import { createLog } from '../log.ts'

/** What the sample service of the tests makes: one document for each request that was carried out. */
export const orders = collection('sample_orders', {
  schema: z.strictObject({ id: z.string(), tenant: z.string(), name: z.string() }),
  partition: 'tenant',
  indexes: { byTenant: ['tenant'] },
})

/** A place where the tests stop a request. */
export type Pause = 'in plan' | 'in pay'

interface SampleDeps extends Pick<Entropy, 'newId'> {
  store: Store
  reach(pause: Pause): Promise<void>
}

const api = createApi<SampleDeps>()
const keyed = { scope: 'licenses:write', idempotency: 'required' } as const
const order = z.strictObject({ object: z.literal('order'), id: z.string(), name: z.string() })
const named = z.strictObject({ name: z.string().max(80) })

/** Orders made by one commit, by several, and without need of a key. */
export const sampleRouter = api.router({
  create: api
    .procedure({
      ...keyed,
      summary: 'Create an order',
      errors: ['invalid_state'],
      rest: { method: 'POST', path: '/v1/orders', status: 201 },
      examples: [{ name: 'plain', input: { name: 'a' } }, { input: { name: 'b' } }],
    })
    .input(named)
    .output(order)
    .mutation(({ ctx, input: { name } }) =>
      ctx.once(async () => {
        if (name === 'refused') throw new Fault('invalid_state', { detail: ctx.deps.newId('request') })
        if (name === 'conflict') throw new Fault('conflict')
        const id = ctx.deps.newId('license')
        ctx.answer.header('location', `/v1/orders/${id}`)
        await ctx.deps.reach('in plan')
        const writes = [insert(orders, { id, tenant: ctx.caller.tenant, name })]
        return { writes, answer: { object: 'order' as const, id, name } }
      }),
    ),
  pay: api
    .procedure({
      ...keyed,
      summary: 'Pay in several commits',
      rest: { method: 'POST', path: '/v1/orders/pay', status: 202 },
      examples: [{ input: { name: 'paid' } }],
    })
    .input(named)
    .output(order)
    .mutation(async ({ ctx, input: { name } }) => {
      // As a payment rail would: the same request key never books twice.
      const id = `pay_${ctx.requestKey}`
      if (!(await ctx.deps.store.get(orders, id))) {
        await ctx.deps.store.commit([insert(orders, { id, tenant: ctx.caller.tenant, name })])
      }
      await ctx.deps.reach('in pay')
      return { object: 'order' as const, id, name }
    }),
  note: api
    .procedure({
      summary: 'Note an order',
      scope: 'licenses:write',
      idempotency: 'accepted',
      rest: { method: 'PUT', path: '/v1/orders/{id}/note', status: 204 },
      examples: [{ input: { id: 'one', text: 'soon' } }],
    })
    .input(z.strictObject({ id: z.string(), text: z.string().max(80) }))
    .mutation(({ ctx, input }) =>
      ctx.once(async () => {
        const id = ctx.deps.newId('license')
        const writes = [insert(orders, { id, tenant: ctx.caller.tenant, name: input.text })]
        return { writes, answer: undefined }
      }),
    ),
})

/** A running sample service on a store of its own. */
export interface SampleService {
  server: FastifyInstance
  store: Store
  url: string
  keyOf(tenant: string): Promise<string>
  close(): Promise<void>
}

/** Starts the sample service. `wrap` stands between the shell and its store. */
export async function startSample(
  databaseUrl: string,
  options: {
    reach?: SampleDeps['reach']
    wrap?: (store: Store) => Store
    now?: () => Date
    lockMs?: number
  } = {},
): Promise<SampleService> {
  const opened = await openStore(databaseUrl, { name: 'sample', collections: [orders, apiKeys, idempotency] })
  const store = options.wrap?.(opened) ?? opened
  const entropy = systemEntropy()
  const keys = keyStore(opened, { ...entropy, mode: 'test' })
  const { reach = () => Promise.resolve(), now, lockMs } = options
  const server = createServer({
    name: 'sample',
    router: sampleRouter,
    deps: { ...entropy, store, reach },
    log: createLog({ name: 'sample', level: 'silent' }),
    keys,
    store,
    ...(now && { now }),
    ...(lockMs !== undefined && { idempotencyLockMs: lockMs }),
  })
  const url = await server.listen({ host: '127.0.0.1', port: 0 })
  return {
    server,
    store: opened,
    url,
    keyOf: async (tenant) =>
      (await keys.createKey({ tenant, scopes: ['licenses:write'], mode: 'test', plan: 'unlimited' })).secret,
    async close() {
      await server.close()
      await opened.close()
    },
  }
}
