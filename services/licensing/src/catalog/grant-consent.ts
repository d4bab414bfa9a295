import { Fault } from '@tallystick/protocol'
import type { AuditRecord, consentInput, FieldError } from '@tallystick/protocol'
import type { Caller, Plan } from '@tallystick/runtime'
import { insert, replace } from '@tallystick/storage'
import type { Write } from '@tallystick/storage'
import type { z } from 'zod'
import { announce } from '../announce.ts'
import { consents, datasets, items } from '../collections.ts'
import type { Deps } from '../deps.ts'
import { itemIdOf } from '../item-id.ts'
import { consentView } from './consent-view.ts'
import type { Consent } from './consent-view.ts'
import { findDataset } from './find-dataset.ts'
import { mayRead } from './reach.ts'

export type ConsentInput = z.infer<typeof consentInput>

// A decision reads all consents of an item and its dataset, so their number bounds what it costs.
const mostConsents = 1000
const clockSkewMs = 5 * 60_000

/** Plans a consent; its id goes into what it covers in the same commit. Throws Fault `reference_not_found`. */
export async function grantConsent(deps: Deps, caller: Caller, input: ConsentInput): Promise<Plan<Consent>> {
  const at = deps.now()
  requireTimes(input, at)
  const id = deps.newId('consent')
  const hashes = input.items && [...new Set(input.items)]
  const covered = await coverDataset(deps, caller, input, id)
  const writes = covered?.writes ?? (await coverItems(deps, caller, input.items ?? [], id))
  const { write, auditId } = announce(deps, caller, {
    kind: 'consent.granted',
    items: hashes ?? [],
    data: toData(id, input),
  })
  const stored = {
    id,
    tenant: caller.tenant,
    subject: input.subject,
    ...(input.granted_by !== undefined && { grantedBy: input.granted_by }),
    purposes: [...new Set(input.purposes)],
    regions: [...new Set(input.regions)],
    ...(hashes && { items: hashes }),
    ...(covered && { dataset: covered.dataset }),
    ...(input.evidence_hash !== undefined && { evidenceHash: input.evidence_hash }),
    grantedAt: input.granted_at === undefined ? at : new Date(input.granted_at),
    ...(input.expires_at !== undefined && { expiresAt: new Date(input.expires_at) }),
    createdAt: at,
    auditId,
  }
  const answer = consentView(deps.livemode, stored, at)
  return { writes: [insert(consents, stored), ...writes, write], answer }
}

/** What the receipt promises of a consent, beside the items that the record names anyway. */
function toData(consent: string, input: ConsentInput): NonNullable<AuditRecord['data']> {
  const { items: _, ...told } = input
  return JSON.parse(JSON.stringify({ consent, ...told }))
}

function requireTimes({ items: named, dataset, granted_at, expires_at }: ConsentInput, at: Date): void {
  const refuse = (pointer: string, message: string) => {
    throw new Fault('validation_failed', { errors: [{ pointer, message }] })
  }
  if (!named && dataset === undefined) refuse('/items', 'is needed unless dataset is given')
  if (named && dataset !== undefined) refuse('/dataset', 'cannot be given with items')
  const granted = granted_at === undefined ? at.getTime() : Date.parse(granted_at)
  if (granted > at.getTime() + clockSkewMs) refuse('/granted_at', 'must not lie ahead')
  if (expires_at !== undefined && Date.parse(expires_at) <= granted)
    refuse('/expires_at', 'must be later than granted_at')
}

async function coverDataset(
  deps: Deps,
  caller: Caller,
  { dataset: name }: ConsentInput,
  consent: string,
): Promise<{ dataset: string; writes: Write[] } | undefined> {
  if (name === undefined) return undefined
  const found = await findDataset(deps, caller, name)
  if (!found) throw missing([{ pointer: '/dataset', message: 'there is no such dataset' }])
  const { version, ...dataset } = found
  const consented = { ...dataset, consents: withConsent(dataset.consents, consent, '/dataset') }
  return { dataset: dataset.id, writes: [replace(datasets, consented, version)] }
}

async function coverItems(
  deps: Deps,
  caller: Caller,
  hashes: readonly string[],
  consent: string,
): Promise<Write[]> {
  const found = await deps.store.getMany(
    items,
    hashes.map((hash) => itemIdOf(caller.tenant, hash)),
  )
  const errors: FieldError[] = []
  const writes = new Map<string, Write>()
  for (const [index, one] of found.entries()) {
    const pointer = `/items/${index}`
    if (!one || !(await mayRead(deps, caller, one.creators))) {
      errors.push({ pointer, message: 'there is no such item', fix: 'Register it first.' })
      continue
    }
    const { version, ...item } = one
    const consented = { ...item, consents: withConsent(item.consents, consent, pointer) }
    writes.set(item.id, replace(items, consented, version))
  }
  if (errors.length > 0) throw missing(errors.slice(0, 50))
  return [...writes.values()]
}

function withConsent(known: readonly string[], consent: string, pointer: string): string[] {
  if (known.length < mostConsents) return [...known, consent]
  const message = `has ${mostConsents} consents, which is the most`
  throw new Fault('validation_failed', { errors: [{ pointer, message }] })
}

function missing(errors: FieldError[]): Fault {
  return new Fault('reference_not_found', { errors })
}
