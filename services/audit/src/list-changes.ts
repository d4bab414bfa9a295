import type { AuditRecord, Page, PageInput } from '@tallystick/protocol'
import { receiptEntryHex } from '@tallystick/receipt'
import { csvLine, cursorChecked, pageQuery, toPage } from '@tallystick/runtime'
import type { Index } from '@tallystick/storage'
import type { z } from 'zod'
import { positions, receipts } from './collections.ts'
import type { Deps } from './deps.ts'
import type { StoredReceipt } from './find-receipt.ts'
import { receiptView } from './receipt-view.ts'
import { changeInRecord } from './schemas.ts'
import type { administrativeChange } from './schemas.ts'
import { createdRange, soleFilter } from './sole-filter.ts'

type Change = z.infer<typeof administrativeChange>

/** Which administrative changes to list; at most one of subject, actor and kind beside the times. */
export interface ChangeFilter {
  subject?: string | undefined
  actor?: string | undefined
  kind?: string | undefined
  created_from?: string | undefined
  created_before?: string | undefined
}

const columns = ['id', 'created_at', 'kind', 'actor', 'subject', 'before', 'after', 'reason', 'receipt_hash']

/** What a record says was changed, or undefined when it is of no administrative change. */
export function changeOf({ data }: Pick<AuditRecord, 'data'>): z.infer<typeof changeInRecord> | undefined {
  if (data?.['change'] === undefined) return undefined
  // `data` is the caller's own: what is not of this form is no change, and no error either.
  return changeInRecord.safeParse(data['change']).data
}

/** A page of the administrative changes of `tenant`, newest first. Throws Fault `validation_failed`. */
export async function listChanges(
  deps: Pick<Deps, 'store' | 'livemode'>,
  tenant: string,
  filter: ChangeFilter & PageInput,
): Promise<Page<Change>> {
  const list = { tenant, url: '/v1/audit/changes' }
  const query = pageQuery(list, filter)
  const { index, equals } = selection(tenant, filter)
  const { items, next } = await cursorChecked(filter, () =>
    deps.store.find(index, { equals, range: createdRange(filter), ...query }),
  )
  const places = await deps.store.getMany(
    positions,
    items.map(({ jws }) => receiptEntryHex(jws)),
  )
  const views = items.map((receipt, place) => changeView(receipt, deps, places[place]?.index))
  return toPage(list, filter, { items: views, next })
}

/** The administrative changes of `tenant` as lines of CSV (RFC 4180), oldest first. Throws Fault `validation_failed`. */
export function exportChanges(
  deps: Pick<Deps, 'store' | 'livemode'>,
  tenant: string,
  filter: ChangeFilter,
): AsyncIterable<string> {
  const { index, equals } = selection(tenant, filter)
  return linesOf(deps, deps.store.scan(index, { equals, range: createdRange(filter) }))
}

async function* linesOf(
  deps: Pick<Deps, 'livemode'>,
  changed: AsyncIterable<StoredReceipt>,
): AsyncIterable<string> {
  yield csvLine(columns)
  for await (const receipt of changed) {
    const { id, created_at, kind, actor, subject, before, after, reason, receipt_hash } = changeView(
      receipt,
      deps,
    )
    const cells = [id, created_at, kind, actor, subject, before, after, reason, receipt_hash]
    yield csvLine(cells.map((cell) => cell ?? ''))
  }
}

function selection(
  tenant: string,
  filter: ChangeFilter,
): { index: Index<z.infer<typeof receipts.schema>>; equals: string[] } {
  const sole = soleFilter(filter, ['subject', 'actor', 'kind'])
  if (!sole) return { index: receipts.byChange, equals: [tenant] }
  const indexes = {
    subject: receipts.byChangeSubject,
    actor: receipts.byChangeActor,
    kind: receipts.byChangeKind,
  }
  return { index: indexes[sole.name], equals: [tenant, sole.value] }
}

/** A change as the API tells it: once its event is erased, all that is left is what was changed, by whom and when. */
function changeView(receipt: StoredReceipt, deps: Pick<Deps, 'livemode'>, index?: number): Change {
  const { id, event, kind, actor, created_at, livemode, receipt_hash } = receiptView(receipt, deps)
  const record = receipt.body ? (JSON.parse(Buffer.from(receipt.body).toString()) as AuditRecord) : {}
  return {
    object: 'administrative_change',
    id,
    event,
    kind,
    actor,
    ...changeOf(record),
    subject: receipt.changeOf ?? '',
    created_at,
    livemode,
    receipt_hash,
    ...(index !== undefined && { index }),
  }
}
