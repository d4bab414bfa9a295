import { createHash, timingSafeEqual } from 'node:crypto'
import { formatContentHash } from '@tallystick/protocol'
import type { AuditReceipt, AuditRecord, ErrorCode } from '@tallystick/protocol'
import { auditIdOf, canonicalize, receiptEntry } from '@tallystick/receipt'
import type { ReceiptPayload } from '@tallystick/receipt'
import { insert, StorageError } from '@tallystick/storage'
import type { Stored, Write } from '@tallystick/storage'
import type { z } from 'zod'
import { queue, receipts } from './collections.ts'
import type { Deps, PreparedRecord } from './deps.ts'
import { changeOf } from './list-changes.ts'
import { receiptView } from './receipt-view.ts'

type StoredReceipt = z.infer<typeof receipts.schema>

/** What became of one record: its receipt, new or from before, or why it was refused. */
export type RecordOutcome =
  | { status: 'recorded' | 'duplicate'; event: string; receipt: AuditReceipt }
  | { status: 'refused'; event: string; error: { code: ErrorCode; detail: string } }

/** A record's event may have this many bytes in canonical form: receipt and event must fit one document. */
export const maxRecordBytes = 131_072

// One commit takes 12 MiB; a document is its event, its receipt in base64 and the index of its items.
const commitBytes = 8 * 1024 * 1024
const bytesPerRecord = 4096
const growth = 3

/**
 * Receipts for `records` of `tenant`, in their order. Each receipt and its place in the queue are one commit, so a
 * receipt that was told is durable and will be sequenced. The same event again gives the same receipt; with other
 * content it is refused, and the rest of the call stands.
 */
export async function recordEvents(
  deps: Deps,
  tenant: string,
  records: readonly AuditRecord[],
): Promise<RecordOutcome[]> {
  const outcomes: (RecordOutcome | undefined)[] = []
  const prepared = records.map((record) => prepare(tenant, record))
  const tooLarge = prepared.map(({ canonical }) => Buffer.byteLength(canonical) > maxRecordBytes)
  const known = await existing(deps, prepared)
  const fresh: PreparedRecord[] = []
  const firstOf = new Map<string, PreparedRecord>()
  for (const [place, item] of prepared.entries()) {
    const before = known.get(item.id)
    const twin = firstOf.get(item.id)
    if (before) outcomes[place] = compareStored(deps, item, before)
    else if (tooLarge[place]) outcomes[place] = tooLargeOutcome(item)
    else if (!twin) {
      firstOf.set(item.id, item)
      fresh.push(item)
    }
  }
  const written = await writeFresh(deps, tenant, fresh)
  return prepared.map((item, place) => {
    const settled = outcomes[place]
    if (settled) return settled
    const result = written.get(item.id)
    if (!result) throw new Error(`no receipt was written for ${item.id}`)
    const own = firstOf.get(item.id) === item && result.mine
    return own
      ? { status: 'recorded', event: item.record.event, receipt: receiptView(result.receipt, deps) }
      : compareStored(deps, item, result.receipt)
  })
}

function prepare(tenant: string, record: AuditRecord): PreparedRecord {
  return { id: auditIdOf(tenant, record.event), record, canonical: canonicalize(record) }
}

async function existing(
  deps: Deps,
  items: readonly PreparedRecord[],
): Promise<Map<string, Stored<StoredReceipt>>> {
  const found = await deps.store.getMany(
    receipts,
    items.map(({ id }) => id),
  )
  return new Map(found.flatMap((receipt) => (receipt ? [[receipt.id, receipt]] : [])))
}

interface Written {
  receipt: StoredReceipt
  mine: boolean
}

async function writeFresh(
  deps: Deps,
  tenant: string,
  items: readonly PreparedRecord[],
): Promise<Map<string, Written>> {
  const written = new Map<string, Written>()
  if (items.length === 0) return written
  const signed = await sign(deps, tenant, items)
  for (const chunk of chunks(signed)) {
    try {
      await deps.store.commit(writesFor(deps, chunk))
      for (const receipt of chunk) written.set(receipt.id, { receipt, mine: true })
    } catch (error) {
      if (!(error instanceof StorageError && error.code === 'DuplicateKey')) throw error
      // Somebody recorded one of these events since we looked: keep theirs and write the others.
      await writeAfterRace(deps, chunk, written)
    }
  }
  deps.queued()
  return written
}

async function writeAfterRace(
  deps: Deps,
  chunk: readonly StoredReceipt[],
  written: Map<string, Written>,
): Promise<void> {
  let rest = chunk
  for (let round = 0; rest.length > 0; round++) {
    const found = await deps.store.getMany(
      receipts,
      rest.map(({ id }) => id),
    )
    for (const receipt of found) if (receipt) written.set(receipt.id, { receipt, mine: false })
    rest = rest.filter(({ id }) => !written.has(id))
    if (rest.length === 0) return
    try {
      await deps.store.commit(writesFor(deps, rest))
      for (const receipt of rest) written.set(receipt.id, { receipt, mine: true })
      return
    } catch (error) {
      if (!(error instanceof StorageError && error.code === 'DuplicateKey') || round >= 10) throw error
    }
  }
}

async function sign(deps: Deps, tenant: string, items: readonly PreparedRecord[]): Promise<StoredReceipt[]> {
  const iat = Math.floor(deps.now().getTime() / 1000)
  const mergeBy = iat + deps.mergeDelaySeconds
  const drafts = items.map(({ id, record, canonical }) => {
    const salt = deps.random(32)
    const body = Buffer.from(canonical)
    const payload: ReceiptPayload = {
      iss: deps.origin,
      jti: id,
      iat,
      kind: record.kind,
      event: record.event,
      actor: record.actor,
      licenses: record.licenses,
      items: record.items,
      ...(record.usage && { usage: record.usage }),
      body: saltedDigest(salt, body),
      merge_by: mergeBy,
    }
    return { id, record, salt, body, payload }
  })
  const signed = await deps.signReceipts(drafts.map(({ payload }) => payload))
  return drafts.map(({ id, record, salt, body }, place) => ({
    id,
    tenant,
    event: record.event,
    kind: record.kind,
    actor: record.actor,
    licenses: record.licenses,
    items: record.items,
    at: new Date(iat * 1000),
    mergeBy: new Date(mergeBy * 1000),
    jws: signed[place] ?? '',
    body,
    salt,
    changeOf: changeOf(record)?.subject,
  }))
}

function saltedDigest(salt: Uint8Array, body: Uint8Array): string {
  return formatContentHash(createHash('sha256').update(salt).update(body).digest())
}

function* chunks(items: readonly StoredReceipt[]): Iterable<StoredReceipt[]> {
  let chunk: StoredReceipt[] = []
  let size = 0
  for (const item of items) {
    const weight = bytesPerRecord + growth * (item.body?.byteLength ?? 0)
    if (size + weight > commitBytes && chunk.length > 0) {
      yield chunk
      chunk = []
      size = 0
    }
    chunk.push(item)
    size += weight
  }
  if (chunk.length > 0) yield chunk
}

function writesFor(deps: Deps, chunk: readonly StoredReceipt[]): Write[] {
  const [first] = chunk
  if (!first) return []
  const waiting = {
    id: deps.newId('request'),
    log: deps.origin,
    at: deps.now(),
    mergeBy: first.mergeBy,
    entries: Buffer.concat(chunk.map(({ jws }) => receiptEntry(jws))),
    receipts: chunk.map(({ id }) => id),
  }
  return [...chunk.map((receipt) => insert(receipts, receipt)), insert(queue, waiting)]
}

function compareStored(
  deps: Deps,
  { record, canonical }: PreparedRecord,
  stored: StoredReceipt,
): RecordOutcome {
  if (sameEvent(record, canonical, stored)) {
    return { status: 'duplicate', event: record.event, receipt: receiptView(stored, deps) }
  }
  return {
    status: 'refused',
    event: record.event,
    error: {
      code: 'event_conflict',
      detail: `The event ${record.event} was recorded with other content as ${stored.id}`,
    },
  }
}

function sameEvent(record: AuditRecord, canonical: string, stored: StoredReceipt): boolean {
  if (stored.body) {
    const body = Buffer.from(canonical)
    return body.byteLength === stored.body.byteLength && timingSafeEqual(body, stored.body)
  }
  // The event was erased: what its receipt still says is all that can be compared.
  return visible(record) === visible(payloadOf(stored.jws))
}

type Visible = Pick<AuditRecord, 'kind' | 'actor' | 'licenses' | 'items' | 'usage'>

function visible({ kind, actor, licenses, items, usage }: Visible): string {
  return canonicalize([kind, actor, licenses, items, usage ?? null])
}

/** What a receipt of our own says. */
function payloadOf(jws: string): ReceiptPayload {
  return JSON.parse(Buffer.from(jws.split('.')[1] ?? '', 'base64url').toString()) as ReceiptPayload
}

function tooLargeOutcome({ record }: PreparedRecord): RecordOutcome {
  const detail = `The record is larger than ${maxRecordBytes} bytes; record a digest of the data instead`
  return { status: 'refused', event: record.event, error: { code: 'payload_too_large', detail } }
}
