import { hash } from 'node:crypto'
import { newId } from '@tallystick/protocol'
import type { LicenseStatus } from '@tallystick/protocol'
import { systemEntropy } from '@tallystick/runtime'
import { insert } from '@tallystick/storage'
import type { Store } from '@tallystick/storage'
import { consents, datasets, items, licenses, offers } from '../collections.ts'
import { itemIdOf } from '../item-id.ts'

const { random } = systemEntropy()
const at = new Date('2026-01-01T00:00:00.000Z')

/** A new id of `kind`, for tests. */
export function sampleId(kind: Parameters<typeof newId>[0]): string {
  return newId(kind, new Date(), random)
}

/** The content hash of a word. */
export function hashOf(word: string): string {
  return `sha256:${hash('sha256', word, 'hex')}`
}

/** An agreement of `creator` in the given state, which it took on the first of 2026. */
export function sampleLicense(tenant: string, creator: string, status: LicenseStatus) {
  return {
    id: sampleId('license'),
    tenant,
    creator,
    buyer: 'buyer_1',
    status,
    items: [hashOf('alone')],
    pricing: { model: 'per_item' as const, unit_price: '0.25' },
    royalties: { splits: [{ party: creator, share: '1' }], platform_fee: '0' },
    terms: {
      exclusive: false,
      region_restrictions: [],
      excluded_regions: [],
      allowed_uses: ['train' as const],
      prohibited_uses: [],
      models: [],
      sublicense: false,
    },
    currency: 'USD',
    metadata: { note: 'private' },
    revision: 1,
    history: [{ status, at, actor: creator, reason: 'as agreed' }],
    createdAt: at,
    updatedAt: at,
    auditId: sampleId('audit'),
  }
}

/** A consent of `subject` that was withdrawn on the first of 2026. */
export function sampleConsent(tenant: string, subject: string) {
  return {
    id: sampleId('consent'),
    tenant,
    subject,
    purposes: ['train' as const],
    regions: [],
    items: [hashOf('alone')],
    grantedAt: at,
    withdrawnAt: at,
    withdrawalReason: 'asked',
    createdAt: at,
    auditId: sampleId('audit'),
  }
}

/** An item with the hash of `word`. */
export function sampleItem(tenant: string, word: string, creators: string[]) {
  const facts = { creators, consents: [], prohibitedUses: [], metadata: { title: 'private' }, createdAt: at }
  return {
    id: itemIdOf(tenant, hashOf(word)),
    tenant,
    hash: hashOf(word),
    reference: `file-${word}`,
    ...facts,
  }
}

/** Everything that a person can leave behind: 250 consents, items alone and shared, a dataset, an offer, agreements. */
export async function leaveTraces(store: Store, tenant: string, subject: string) {
  const active = sampleLicense(tenant, subject, 'active')
  const ended = sampleLicense(tenant, subject, 'expired')
  const many = Array.from({ length: 250 }, () => sampleConsent(tenant, subject))
  const other = sampleConsent(tenant, 'someone_else')
  const dataset = { id: sampleId('dataset'), tenant, name: 'Diary', creators: [subject], consents: [] }
  const { status: _, history: __, buyer: ___, revision: ____, updatedAt: _____, ...traded } = ended
  await store.commit([
    ...many.map((one) => insert(consents, one)),
    insert(consents, other),
    insert(items, sampleItem(tenant, 'alone', [subject])),
    insert(items, sampleItem(tenant, 'shared', [subject, 'cr_other'])),
    insert(datasets, {
      ...dataset,
      consentRequired: true,
      prohibitedUses: [],
      metadata: { about: 'private' },
      createdAt: at,
    }),
    insert(offers, { ...traded, id: sampleId('offer'), status: 'open' }),
    insert(licenses, active),
    insert(licenses, ended),
  ])
  return { active: active.id, ended: ended.id, dataset: dataset.id, other: other.id }
}
