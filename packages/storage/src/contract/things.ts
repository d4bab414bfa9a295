import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, test } from 'vitest'
import { z } from 'zod'
import { collection } from '../collection.ts'
import type { ContractSubject } from './subject.ts'
import type { Store } from '../store.ts'

const Thing = z.strictObject({
  id: z.string(),
  tenant: z.string(),
  name: z.string(),
  rank: z.number().nullish(),
  amount: z.bigint().optional(),
  at: z.date().optional(),
  open: z.boolean().optional(),
  hash: z.instanceof(Uint8Array).optional(),
  status: z.enum(['active', 'draft']).optional(),
  tags: z.array(z.string()).optional(),
  data: z.unknown().optional(),
})

/** A document with a field of each kind. */
export type Thing = z.infer<typeof Thing>

/** The collection of the contract's examples: an index of each kind. */
export const things = collection('things', {
  schema: Thing,
  partition: 'tenant',
  indexes: {
    byName: ['tenant', 'name'],
    byRank: ['tenant', 'rank', 'name'],
    byAmount: { keys: ['tenant', 'amount'], where: { amount: { exists: true } } },
    byAt: ['tenant', 'at'],
    byOpen: ['tenant', 'open'],
    byHash: ['tenant', 'hash'],
    byTag: ['tenant', 'tags[]', 'rank'],
    byActiveTag: { keys: ['tenant', 'tags[]'], where: { status: 'active' } },
    byActiveName: { keys: ['tenant', 'name'], unique: true, where: { status: 'active' } },
  },
})

/** A collection whose id is its partition. */
export const plain = collection('plain', {
  schema: z.strictObject({ id: z.string(), count: z.number().optional(), data: z.unknown().optional() }),
  partition: 'id',
})

/** A database name that no other test uses. */
export function newDatabase(): string {
  return `contract-${randomBytes(6).toString('hex')}`
}

let tenants = 0

/** A tenant that no other test of this process uses. */
export function newTenant(): string {
  return `t${++tenants}`
}

/** A document of a tenant; ids are the tenant's own. */
export function thing(tenant: string, id: string, fields: Partial<Thing> = {}): Thing {
  return { id: `${tenant}-${id}`, tenant, name: id, ...fields }
}

/** Opens one store for the tests of a describe block. */
export function sharedStore({ open }: ContractSubject): () => Store {
  let store: Store | undefined
  beforeAll(async () => {
    store = await open([things, plain], newDatabase())
  })
  afterAll(async () => {
    await store?.close()
  })
  return () => {
    if (store === undefined) throw new Error('the store is not open yet')
    return store
  }
}

/** A test of a commit of several writes. */
export function transactionTest({
  transactions,
}: ContractSubject): (name: string, run: () => Promise<void>) => void {
  return (name, run) => {
    if (transactions) test(name, run)
    else test.skip(`${name} (skipped: the server has no transactions)`, run)
  }
}

/** The code with which a promise is refused, and the write that it names. */
export async function refusal(
  work: Promise<unknown>,
): Promise<{ code: unknown; write: unknown; index: unknown } | undefined> {
  try {
    await work
    return undefined
  } catch (error) {
    const { code, write, index } = error as Record<string, unknown>
    return { code, write, index }
  }
}
