import type { Index, Scalar } from '../collection.ts'
import type { Query } from '../store.ts'
import type { Write } from '../write.ts'
import { type Thing, things } from './things.ts'

type Kept = Map<string, { document: Thing; version: number }>

/** The contract in plain JavaScript: a Map, copied for each commit, and sorted lists. Only for `things`. */
export class Model {
  #kept: Kept = new Map()

  /** The version of a document, 0 when it is not there. */
  version(id: string): number {
    return this.#kept.get(id)?.version ?? 0
  }

  /** Commits, or gives the code and the position of the write that is refused. */
  commit(writes: readonly Write[]): { code: string; write: number } | undefined {
    const next: Kept = new Map(this.#kept)
    for (const [write, each] of writes.entries()) {
      const code = apply(next, each)
      if (code !== undefined) return { code, write }
    }
    this.#kept = next
    return undefined
  }

  /** Inserts each on its own. */
  insertMany(documents: readonly Thing[]): string[] {
    return documents.map((document) => (add(this.#kept, document) === undefined ? 'inserted' : 'duplicate'))
  }

  /** All documents of a query, without pages. */
  find(index: Index<Thing>, { equals, range = {}, order = 'asc' }: Query): unknown[] {
    const rows = [...this.#kept.values()].flatMap(({ document, version }) =>
      keysOf(index, document).map((key) => ({ key: [...key, document.id], item: { ...document, version } })),
    )
    const { from, after, before, upTo } = range
    const found = rows.filter(({ key }) => {
      const next = key[equals.length] ?? null
      const bounded = [from, after, before, upTo].some((bound) => bound !== undefined)
      return (
        equals.every((value, at) => compare(key[at] ?? null, value) === 0) &&
        !(bounded && next === null) &&
        (from === undefined || compare(next, from) >= 0) &&
        (after === undefined || compare(next, after) > 0) &&
        (before === undefined || compare(next, before) < 0) &&
        (upTo === undefined || compare(next, upTo) <= 0)
      )
    })
    found.sort((left, right) => compareKeys(left.key, right.key) * (order === 'asc' ? 1 : -1))
    return found.map(({ item }) => item)
  }
}

function apply(kept: Kept, write: Write): string | undefined {
  switch (write.type) {
    case 'insert':
      return add(kept, write.document as Thing)
    case 'ensure':
      return kept.has(write.document.id) ? undefined : add(kept, write.document as Thing)
    case 'replace':
      if (kept.get(write.document.id)?.version !== write.version) return 'StaleVersion'
      return put(kept, write.document as Thing, write.version + 1)
    case 'increment': {
      const old = kept.get(write.id)
      const before = old?.document ?? ({ ...write.create, id: write.id } as Thing)
      const amount = (before.amount ?? 0n) + BigInt(write.by['amount'] ?? 0n)
      const { atLeast = amount, atMost = amount } = write.bounds['amount'] ?? {}
      if (amount < atLeast || amount > atMost) return 'OutOfBounds'
      return put(kept, { ...before, amount }, (old?.version ?? 0) + 1)
    }
    case 'expect':
      return kept.get(write.id)?.version === write.version ? undefined : 'StaleVersion'
    default: {
      const there = kept.get(write.id)
      if (!there || (write.version !== undefined && there.version !== write.version)) return 'StaleVersion'
      kept.delete(write.id)
      return undefined
    }
  }
}

function add(kept: Kept, document: Thing): string | undefined {
  return kept.has(document.id) ? 'DuplicateKey' : put(kept, document, 1)
}

function put(kept: Kept, document: Thing, version: number): string | undefined {
  const active = ({ status, tenant, name }: Thing) => (status === 'active' ? `${tenant} ${name}` : undefined)
  const key = active(document)
  for (const [id, other] of kept) {
    if (id !== document.id && key !== undefined && active(other.document) === key) return 'DuplicateKey'
  }
  const present = Object.entries(document).filter(([, value]) => value !== undefined)
  kept.set(document.id, { document: Object.fromEntries(present) as Thing, version })
  return undefined
}

/** The keys under which an index has a document: none when its condition fails, several for `[]`. */
function keysOf(index: Index<Thing>, document: Thing): Scalar[][] {
  if ((index === things.byActiveName || index === things.byActiveTag) && document.status !== 'active')
    return []
  if (index === things.byAmount && document.amount === undefined) return []
  const fields = document as Record<string, unknown>
  const plain = index.keys.map(({ field }) => (fields[field] ?? null) as Scalar)
  const each = index.keys.findIndex((key) => key.each)
  if (each < 0) return [plain]
  return [...new Set(document.tags)].map((tag) => plain.with(each, tag))
}

function compareKeys(left: Scalar[], right: Scalar[]): number {
  for (const [at, value] of left.entries()) {
    const order = compare(value, right[at] ?? null)
    if (order !== 0) return order
  }
  return 0
}

function compare(left: Scalar, right: Scalar): number {
  if (left === null || right === null) return Number(left !== null) - Number(right !== null)
  if (typeof left === 'string' && typeof right === 'string')
    return Buffer.compare(Buffer.from(left), Buffer.from(right))
  return left < right ? -1 : left > right ? 1 : 0
}
