import { hash } from 'node:crypto'
import { licensingCollections } from '@tallystick/licensing'
import { licenseTerms } from '@tallystick/protocol'
import { openStore } from '@tallystick/storage'
import type { Collection, Document, Store } from '@tallystick/storage'
import { consents, datasets, items, licenses } from '../services/licensing/src/collections.ts'
import { itemIdOf } from '../services/licensing/src/item-id.ts'

/** How large the catalog is: datasets of 100 items, half of the agreements over a dataset, half over 10 items. */
export interface CatalogSize {
  items: number
  agreements: number
  buyers: number
}

export const benchTenant = 'acct_bench'
export const itemsOfDataset = 100
export const itemsOfAgreement = 10
const at = new Date('2026-01-01T00:00:00Z')
const shared = { tenant: benchTenant, metadata: {}, createdAt: at, auditId: 'aud_bench' }

/** The content hash of an item. */
export function benchHash(item: number): string {
  return `sha256:${hash('sha256', `item ${item}`)}`
}

/** What a buyer is called. */
export function benchBuyer(buyer: number): string {
  return `buyer_${buyer}`
}

/** The dataset that an agreement over a whole dataset covers, or the first of the items of another. */
export function coverOf(agreement: number, size: CatalogSize): { dataset: number } | { first: number } {
  const turn = Math.floor(agreement / 2)
  if (agreement % 2 === 0) return { dataset: turn % (size.items / itemsOfDataset) }
  return { first: (turn * itemsOfAgreement) % size.items }
}

/** Fills the database of the licensing service in `directory`. */
export async function fillCatalog(directory: string, size: CatalogSize): Promise<void> {
  const options = { name: 'licensing-test', collections: licensingCollections }
  const store = await openStore(`sqlite:${directory}`, options)
  try {
    const sets = size.items / itemsOfDataset
    await insertAll(store, datasets, sets, datasetAt)
    await insertAll(store, consents, sets, consentAt)
    await insertAll(store, items, size.items, itemAt)
    await insertAll(store, licenses, size.agreements, (turn) => licenseAt(turn, size))
  } finally {
    await store.close()
  }
}

async function insertAll<T extends Document>(
  store: Store,
  collection: Collection<T>,
  count: number,
  make: (turn: number) => NoInfer<T>,
): Promise<void> {
  for (let first = 0; first < count; first += 1000) {
    const length = Math.min(1000, count - first)
    await store.insertMany(
      collection,
      Array.from({ length }, (_, turn) => make(first + turn)),
    )
  }
}

const { auditId: _, ...unannounced } = shared

function datasetAt(turn: number) {
  return {
    ...unannounced,
    id: `ds_${turn}`,
    reference: `set-${turn}`,
    name: `Dataset ${turn}`,
    creators: ['cr_1'],
    consents: [`cons_${turn}`],
    consentRequired: true,
    prohibitedUses: [],
  }
}

function consentAt(turn: number) {
  const { metadata: _, ...rest } = shared
  return {
    ...rest,
    id: `cons_${turn}`,
    subject: `person_${turn}`,
    purposes: ['train' as const, 'fine_tune' as const],
    regions: [],
    dataset: `ds_${turn}`,
    grantedAt: at,
  }
}

function itemAt(turn: number) {
  return {
    ...unannounced,
    id: itemIdOf(benchTenant, benchHash(turn)),
    hash: benchHash(turn),
    dataset: `ds_${Math.floor(turn / itemsOfDataset)}`,
    creators: ['cr_1'],
    consents: [],
    prohibitedUses: [],
  }
}

function licenseAt(turn: number, size: CatalogSize) {
  const cover = coverOf(turn, size)
  const covered =
    'dataset' in cover
      ? [`ds_${cover.dataset}`]
      : Array.from({ length: itemsOfAgreement }, (_, place) => benchHash(cover.first + place))
  return {
    ...shared,
    id: `lic_${turn}`,
    creator: 'cr_1',
    buyer: benchBuyer(turn % size.buyers),
    status: 'active' as const,
    items: covered,
    pricing: { model: 'per_item' as const, unit_price: '1' },
    royalties: { splits: [], platform_fee: '0' },
    terms: licenseTerms.parse({ region_restrictions: ['EU'], models: ['model-1'] }),
    currency: 'USD',
    legalText: { template: 'tmpl_1', version: 1, variables: {}, text_hash: benchHash(-1) },
    revision: 1,
    effectiveFrom: at,
    history: [{ status: 'active' as const, at, actor: benchTenant, reason: 'agreed' }],
    updatedAt: at,
  }
}
