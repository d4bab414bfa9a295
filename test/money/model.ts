import type { Aggregation } from '@tallystick/pricing'
import type { Price } from '@tallystick/pricing'
import type { LicenseCharge } from '../../services/billing/src/links.ts'

/** A customer as its marketplace knows it. */
export interface ModelCustomer {
  id: string
  reference: string
  currency: string
  /** The test clock that it follows; real time where it is absent. */
  clock?: string
}

/** What a meter counts. */
export interface ModelMeter {
  id: string
  metric: string
  aggregation: Aggregation
  field: string
  /** Only events of this model, where it is given. */
  modelId?: string
  groupBy: readonly string[]
}

/** A price that can be subscribed to. */
export interface ModelPrice {
  id: string
  currency: string
  definition: Price
  meter?: string
  interval: 'month' | 'year'
}

/** A license as licensing knows it; billing is told when it asks. */
export interface ModelLicense {
  customer: string
  charge: LicenseCharge
  /** Whether it took the place of another. */
  amends: boolean
}

/** An event that a client reported, and what of it counts. */
export interface ModelEvent {
  event: string
  customer: string
  metric: string
  modelId: string
  licenses: readonly string[]
  country?: string
  occurredAt: Date
  receivedAt: Date
  /** Absent for what never counted, or does no more. */
  effective?: string
}

/** What the clients of a marketplace know for sure: they were told. */
export interface Model {
  clocks: string[]
  customers: ModelCustomer[]
  meters: ModelMeter[]
  prices: ModelPrice[]
  plans: { id: string; currency: string }[]
  licenses: Map<string, ModelLicense>
  events: Map<string, ModelEvent>
  /** Grants by id: what they were at first. */
  grants: Map<string, { amount: bigint; paid: boolean; currency: string }>
  /** Reports as they were sent, to be sent again. */
  reports: Record<string, unknown>[]
  requests: number
  /** Thresholds by id, with the events that were sent before each was set. */
  alerts: Map<string, { before: ReadonlySet<string> }>
  /** Subscriptions that were answered with. */
  subscriptions: { id: string; customer: string }[]
  /** Customers of whom an event was corrected. */
  corrected: Set<string>
  /** Subscriptions that somebody has tried to change, pause or cancel. */
  touched: Set<string>
}

/** Nothing was done yet. */
export function emptyModel(): Model {
  return {
    clocks: [],
    customers: [],
    meters: [],
    prices: [],
    plans: [],
    licenses: new Map(),
    events: new Map(),
    grants: new Map(),
    reports: [],
    requests: 0,
    alerts: new Map(),
    subscriptions: [],
    corrected: new Set(),
    touched: new Set(),
  }
}
