import { StaleVersion } from '@tallystick/storage'
import type { Document, Index, Page, Query, Store } from '@tallystick/storage'
import type { Turn } from './interleave.ts'

/** The end of a simulated process: whatever it was doing, it does nothing more. */
export class Crash extends Error {
  override readonly name = 'Crash'
}

/** What a process sees of a store that outlives it. */
export interface SimulatedProcess {
  store: Store
  /** Ends the process at its `commit`-th commit from now (from 1): before it is stored, or just after. */
  crashAt(commit: number, when: 'before' | 'after'): void
  readonly crashed: boolean
}

/** Starts a process of one marketplace: its jobs see nothing of the others that share the database. */
export function startProcess(
  real: Store,
  { tenant, turn, committed = () => {} }: { tenant: string; turn: Turn; committed?: () => void },
): SimulatedProcess {
  let [commits, crashed, last, when] = [0, false, Infinity, 'before']
  const alive = (): void => {
    if (crashed) throw new Crash('the process is dead')
  }
  const access = async <R>(work: () => Promise<R>): Promise<R> => {
    alive()
    const result = await turn(() => (alive(), work()))
    alive()
    return result
  }
  const commit: Store['commit'] = (writes) =>
    access(async () => {
      const isLast = ++commits === last
      if (isLast && when === 'before') crashed = true
      alive()
      committed()
      await real.commit(writes)
      if (isLast) crashed = true
    })
  const find: Store['find'] = (index, query) => access(() => findOwn(real, { index, query, tenant }))
  const store: Store = {
    transactions: real.transactions,
    get: (collection, id) => access(() => real.get(collection, id)),
    getMany: (collection, ids) => access(() => real.getMany(collection, ids)),
    find,
    async *scan(index, query) {
      let after: string | undefined
      do {
        const page = await find(index, { ...query, limit: 500, after })
        yield* page.items
        after = page.next
      } while (after !== undefined)
    },
    scanAll: (collection) => real.scanAll(collection),
    count: (index, selection, options) => access(() => real.count(index, selection, options)),
    commit,
    insertMany: (collection, documents) =>
      access(() => (committed(), real.insertMany(collection, documents))),
    attempt: tryAgain,
    createCollections: async () => {},
    ping: async () => {},
    close: async () => {},
  }
  return {
    store,
    crashAt(count, at) {
      last = commits + count
      when = at
    },
    get crashed() {
      return crashed
    },
  }
}

async function findOwn<T extends Document>(
  real: Store,
  { index, query, tenant }: { index: Index<T>; query: Query; tenant: string },
): Promise<Page<T>> {
  if (index.keys[0]?.field === 'tenant') return real.find(index, query)
  const page: Page<T> = { items: [] }
  for await (const found of real.scan(index, query))
    if (!('tenant' in found) || found.tenant === tenant) page.items.push(found)
  return page
}

/** As the store's own, without its waits: who goes next is the race's to decide. */
async function tryAgain<R>(work: () => Promise<R>): Promise<R> {
  for (let failures = 1; ; failures++) {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof StaleVersion) || failures === 24) throw error
    }
  }
}
