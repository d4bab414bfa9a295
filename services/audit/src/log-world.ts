import { randomBytes } from 'node:crypto'
import { decodeEntryBundle, leafHash, MemoryTree } from '@tallystick/merkle'
import type { AuditRecord } from '@tallystick/protocol'
import { generateSigningKey, importSigningKey, signReceipt } from '@tallystick/receipt'
import { acquireLease, fenced, leases, leaseTerms, systemEntropy } from '@tallystick/runtime'
import { insert, openStore } from '@tallystick/storage'
import type { Store, Write } from '@tallystick/storage'
import { testDatabase } from '@tallystick/storage/test-database'
import { batches, queue, tiles } from './collections.ts'
import type { Deps } from './deps.ts'
import { generateLogKey, importLogKey } from './log-key.ts'
import { logReader, logSize, splitEntries } from './log-reader.ts'
import { auditCollections } from './start-audit.ts'

export const origin = 'log.example/test'

const receiptKey = importSigningKey(generateSigningKey('ES256').privateJwk)
const logPem = generateLogKey()

/** A log on a real store of its own, for tests. */
export interface LogWorld {
  store: Store
  deps: Deps
  signer: ReturnType<typeof importLogKey>
  /** Another process's view of the same database. */
  secondStore(): Promise<Store>
  /** A new lease of the sequencer, which fences off all before it. */
  fence(): Promise<() => Write>
  /** Queues `count` entries as one call, without receipts. */
  enqueue(count: number): Promise<void>
  close(): Promise<void>
}

/** Opens an empty log. */
export async function openLog(): Promise<LogWorld> {
  const database = await testDatabase()
  const open = () =>
    openStore(database.url, {
      name: 'audit-test',
      collections: [...auditCollections, leases, leaseTerms],
    })
  const store = await open()
  const stores = [store]
  const signer = importLogKey(logPem, origin)
  const entropy = systemEntropy()
  let tenures = 0
  return {
    store,
    signer,
    deps: logDeps(store),
    async secondStore() {
      const second = await open()
      stores.push(second)
      return second
    },
    async fence() {
      tenures++
      // Each clock runs a minute ahead of the one before, so that the lease has always run out.
      const now = () => new Date(Date.now() + tenures * 60_000)
      const lease = await acquireLease({ store, name: 'sequencer', owner: `owner ${tenures}`, now })
      if (!lease) throw new Error('the lease is held')
      return () => fenced(lease)
    },
    async enqueue(count) {
      const entries = randomBytes(count * 32)
      const receipts = Array.from({ length: count }, (_, place) => `aud_${place}`)
      const at = new Date()
      await store.commit([
        insert(queue, { id: entropy.newId('request'), log: origin, at, mergeBy: at, entries, receipts }),
      ])
    },
    async close() {
      await Promise.all(stores.map((opened) => opened.close()))
      await database.drop()
    },
  }
}

/** What use-cases are given, on `store`. */
export function logDeps(store: Store): Deps {
  return {
    ...systemEntropy(),
    store,
    origin,
    livemode: false,
    logKey: importLogKey(logPem, origin).verifierKey,
    mergeDelaySeconds: 60,
    signReceipts: (payloads) => Promise.all(payloads.map((payload) => signReceipt(payload, receiptKey))),
    keySet: () => ({ keys: [receiptKey.publicJwk] }),
    log: logReader(store, origin, { freshMs: 0 }),
    anchoredHeads: () => Promise.resolve({ heads: [], checkpoint: undefined }),
    queued: () => {},
  }
}

/** An event that differs by its name only. */
export function record(event: string, more: Partial<AuditRecord> = {}): AuditRecord {
  return { event, kind: 'training.usage', actor: 'acct_a', licenses: ['lic_1'], items: [], ...more }
}

/** All entries by index, out of the batches; throws when they leave a gap. */
export async function allEntries(store: Store): Promise<Uint8Array[]> {
  const entries: Uint8Array[] = []
  for await (const batch of store.scan(batches.byFirst, { equals: [origin] })) {
    if (batch.first !== entries.length) throw new Error(`gap before ${batch.first}`)
    entries.push(...splitEntries(batch.entries))
  }
  return entries
}

/** The tiles as they must be for `entries`, made anew: by path, in hex. */
export function tilesAnew(entries: readonly Uint8Array[]): { tree: MemoryTree; tiles: Map<string, string> } {
  const tree = new MemoryTree(entries.map(leafHash))
  const expected = new Map<string, string>()
  for (let level = 0, count = entries.length; count > 0; level++, count = Math.floor(count / 256)) {
    for (let index = 0; index * 256 < count; index++) {
      const width = Math.min(256, count - index * 256)
      const hashes = Array.from({ length: width }, (_, place) => tree.source(level * 8, index * 256 + place))
      expected.set(`${level}/${index}`, Buffer.concat(hashes).toString('hex'))
    }
  }
  return { tree, tiles: expected }
}

/** The stored tiles and entry bundles: by level and index, in hex. */
export async function storedTiles(
  store: Store,
): Promise<{ tiles: Map<string, string>; entries: Uint8Array[] }> {
  const found = new Map<string, string>()
  const bundles: { index: number; bytes: Uint8Array }[] = []
  for await (const { id, bytes } of store.scanAll(tiles)) {
    const [, level = '', ...rest] = id.split('/')
    const index = Number(rest.join('').replaceAll('x', ''))
    if (level === 'entries') bundles.push({ index, bytes })
    else found.set(`${level}/${index}`, Buffer.from(bytes).toString('hex'))
  }
  bundles.sort((a, b) => a.index - b.index)
  return { tiles: found, entries: bundles.flatMap(({ bytes }) => decodeEntryBundle(bytes)) }
}

/** Compares what is stored with what the batches say it must be; gives the size. */
export async function checkLog(store: Store): Promise<number> {
  const entries = await allEntries(store)
  const stored = await storedTiles(store)
  const anew = tilesAnew(entries)
  const same = (a: Uint8Array[], b: Uint8Array[]) => Buffer.compare(Buffer.concat(a), Buffer.concat(b)) === 0
  if (!same(stored.entries, entries)) throw new Error('the entry bundles differ from the batches')
  const names = new Set([...stored.tiles.keys(), ...anew.tiles.keys()])
  for (const name of names) {
    if (stored.tiles.get(name) !== anew.tiles.get(name)) throw new Error(`tile ${name} differs`)
  }
  if (new Set(entries.map((entry) => Buffer.from(entry).toString('hex'))).size !== entries.length)
    throw new Error('an entry stands twice')
  if ((await logSize(store, origin)) !== entries.length) throw new Error('the size is wrong')
  return entries.length
}
