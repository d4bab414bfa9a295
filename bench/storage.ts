import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { insert, openStore } from '@tallystick/storage'
import type { Store } from '@tallystick/storage'
import { receipts } from '../services/audit/src/collections.ts'
import { rateOf, timed } from './measure.ts'
import type { Measures } from './measure.ts'
import { sampleReceipt } from './sample-records.ts'

const callSize = 1000

/** Storage alone with receipt documents and their five indexes: on SQLite, and on MongoDB when a URL is given. */
export async function benchStorage(
  measures: Measures,
  { documents, seconds, mongoUrl }: { documents: number; seconds: number; mongoUrl: string | undefined },
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'tallystick-bench-'))
  try {
    await benchStore(measures, { adapter: 'SQLite', url: `sqlite:${folder}`, documents, seconds })
    if (mongoUrl) await benchStore(measures, { adapter: 'Mongoose', url: mongoUrl, documents, seconds })
    else console.log('storage on Mongoose: skipped, MONGODB_URI names no server')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function benchStore(
  measures: Measures,
  { adapter, url, documents, seconds }: { adapter: string; url: string; documents: number; seconds: number },
): Promise<void> {
  const store = await openStore(url, { name: `bench-${Date.now().toString(36)}`, collections: [receipts] })
  // MongoDB has transactions; a server without them only speaks its protocol, and its figures are its own.
  const group = `storage on ${adapter}${store.transactions ? '' : ', a server without transactions'}`
  try {
    await benchWrites(measures, store, { group, documents, seconds })
    await benchReads(measures, store, { group, documents, seconds })
  } finally {
    await store.close()
  }
}

async function benchWrites(
  measures: Measures,
  store: Store,
  { group, documents, seconds }: { group: string; documents: number; seconds: number },
): Promise<void> {
  const calls = Array.from({ length: documents / callSize }, (_, call) =>
    Array.from({ length: callSize }, (_, place) => sampleReceipt(call * callSize + place)),
  )
  const inserted = await timed(async () => {
    for (const call of calls) await store.insertMany(receipts, call)
  })
  measures.add({
    group,
    name: 'insertMany of 1,000',
    value: documents / inserted.seconds,
    unit: 'documents/s',
  })
  let next = documents
  for (const inFlight of [1, 32, 256]) {
    const rate = await rateOf(() => store.commit([insert(receipts, sampleReceipt(next++))]), {
      inFlight,
      seconds,
    })
    measures.add({
      group,
      name: `commits of one insert, ${inFlight} in flight`,
      value: rate,
      unit: 'commits/s',
    })
  }
}

async function benchReads(
  measures: Measures,
  store: Store,
  { group, documents, seconds }: { group: string; documents: number; seconds: number },
): Promise<void> {
  const ids = Array.from({ length: 1000 }, (_, turn) => sampleReceipt((turn * 7919) % documents).id)
  const get = await rateOf((turn) => store.get(receipts, ids[turn % ids.length] ?? ''), {
    inFlight: 32,
    seconds,
  })
  measures.add({ group, name: 'get by id, 32 in flight', value: get, unit: 'documents/s' })
  const item = sampleReceipt(1).items[0] ?? ''
  const query = { equals: ['acct_bench', item], order: 'desc', limit: 20 } as const
  const find = await rateOf(() => store.find(receipts.byItem, query), { inFlight: 32, seconds })
  measures.add({ group, name: 'find of 20 by an array index, 32 in flight', value: find, unit: 'queries/s' })
}
