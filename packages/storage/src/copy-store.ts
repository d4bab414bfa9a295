import { createHash } from 'node:crypto'
import { serialize } from 'bson'
import type { Collection, Document } from './collection.ts'
import { StorageError } from './errors.ts'
import type { Store, Stored } from './store.ts'

/** What was copied of a collection; the digest is the same for the same documents in any order. */
export interface CopiedCollection {
  collection: string
  documents: number
  digest: string
}

/**
 * Copies all documents from one store to another, whatever the adapters, then reads both sides and compares their
 * counts and digests. The target may hold some of them already, from a copy that was cut short. Nobody should write
 * meanwhile. Versions begin anew at 1. Throws StorageError (`Unavailable`) naming the collection whose sides differ.
 */
export async function copyStore(
  from: Store,
  to: Store,
  collections: readonly Collection[],
): Promise<CopiedCollection[]> {
  const copied: CopiedCollection[] = []
  for (const collection of collections) {
    await copyCollection(from, to, collection)
    const source = await digestOf(from, collection)
    const target = await digestOf(to, collection)
    if (source.documents !== target.documents || source.digest !== target.digest) {
      throw new StorageError(
        'Unavailable',
        `${collection.name}: ${source.documents} documents, ${target.documents} in the copy, and they differ`,
        { collection: collection.name },
      )
    }
    copied.push(source)
  }
  return copied
}

const batchBytes = 4 * 1024 * 1024
const batchDocuments = 1000

async function copyCollection(from: Store, to: Store, collection: Collection): Promise<void> {
  let batch: Stored<Document>[] = []
  let bytes = 0
  for await (const document of from.scanAll(collection)) {
    batch.push(document)
    bytes += canonicalBytes(document).length
    if (batch.length < batchDocuments && bytes < batchBytes) continue
    await to.insertMany(collection, batch)
    batch = []
    bytes = 0
  }
  await to.insertMany(collection, batch)
}

/** The count of a collection's documents, and the sum of their SHA-256 modulo 2^256 in hex: no order enters into it. */
export async function digestOf(store: Store, collection: Collection): Promise<CopiedCollection> {
  let sum = 0n
  let documents = 0
  for await (const document of store.scanAll(collection)) {
    const digest = createHash('sha256').update(canonicalBytes(document)).digest('hex')
    sum = BigInt.asUintN(256, sum + BigInt(`0x${digest}`))
    documents++
  }
  return { collection: collection.name, documents, digest: sum.toString(16).padStart(64, '0') }
}

/** BSON with the names of the top level sorted (an adapter may move `id`), without the version. */
function canonicalBytes(stored: Stored<Document>): Uint8Array {
  const { version: _, ...document } = stored
  const names = Object.entries(document).sort(([left], [right]) => (left < right ? -1 : 1))
  return serialize(Object.fromEntries(names))
}
