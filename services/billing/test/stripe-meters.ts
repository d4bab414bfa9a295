import { invalid, ok } from './stripe-replies.ts'
import type { Reply } from './stripe-replies.ts'

interface MeterEvent {
  event_name: string
  identifier: string
  timestamp: number
  payload: { stripe_customer_id: string; value: string }
}

const daySeconds = 86_400

/**
 * The stand-in's meters, which add values up, and the rules of meter events: identifiers are unique for a day, events
 * are of the last 35 days, values have 15 digits, and an event is taken back within a day.
 */
export class StripeMeters {
  /** The event names of active meters. */
  readonly names = new Set<string>()
  readonly events: (MeterEvent & { received: number; canceled: boolean })[] = []
  /** Notifications of what was taken and could not be counted. */
  readonly reports = new Map<string, object>()
  readonly #customers: ReadonlySet<string>
  readonly #seconds: () => number

  constructor(customers: ReadonlySet<string>, seconds: () => number) {
    this.#customers = customers
    this.#seconds = seconds
  }

  take(event: MeterEvent): Reply {
    const { event_name, identifier, timestamp, payload } = event
    const now = this.#seconds()
    if (!this.names.has(event_name)) return invalid('no_meter', `No active meter has the name ${event_name}`)
    if (!this.#customers.has(payload.stripe_customer_id))
      return invalid('meter_event_customer_not_found', 'No such customer')
    if (timestamp < now - 35 * daySeconds) return invalid('timestamp_too_far_in_past', 'Too old')
    if (timestamp > now + 300) return invalid('timestamp_in_future', 'Too early')
    if (payload.value.replace(/[-.]/g, '').replace(/^0+/, '').length > 15)
      return invalid('meter_event_value_too_many_digits', 'Too many digits')
    if (this.events.some((one) => one.identifier === identifier && now - one.received < daySeconds))
      return invalid('duplicate_meter_event', `An event already exists with identifier ${identifier}.`)
    this.events.push({ ...event, received: now, canceled: false })
    return ok({ object: 'billing.meter_event', livemode: false, created: now, ...event })
  }

  cancel(identifier: string): Reply {
    const found = this.events.findLast((one) => one.identifier === identifier)
    if (!found || found.canceled) return invalid('resource_missing', 'No such meter event', 404)
    if (this.#seconds() - found.received > daySeconds) return invalid('event_too_old', 'Too late')
    found.canceled = true
    const { event_name } = found
    const about = { object: 'billing.meter_event_adjustment', livemode: false, status: 'pending' }
    return ok({ ...about, event_name, type: 'cancel', cancel: { identifier } })
  }

  /** Stripe comes to count an event that it took, and cannot. */
  report(id: string, identifier: string): object {
    const found = this.events.find((one) => one.identifier === identifier)
    if (found) found.canceled = true
    const type = 'v1.billing.meter.error_report_triggered'
    const related_object = { id: 'mtr_1', type: 'billing.meter', url: '/v1/billing/meters/mtr_1' }
    const created = new Date(this.#seconds() * 1000).toISOString()
    const notification = { id, object: 'v2.core.event', type, livemode: false, created, related_object }
    const sample_errors = [{ error_message: 'No such customer', request: { identifier } }]
    const error_types = [{ code: 'meter_event_customer_not_found', error_count: 1, sample_errors }]
    const window = { validation_start: created, validation_end: created }
    const data = { ...window, developer_message_summary: 'x', reason: { error_count: 1, error_types } }
    this.reports.set(id, { ...notification, data })
    return notification
  }

  /** What a customer is billed for, in thousandths. */
  total(event_name: string, customer: string): number {
    return this.events
      .filter((one) => !one.canceled && one.event_name === event_name)
      .filter(({ payload }) => payload.stripe_customer_id === customer)
      .reduce((sum, { payload }) => sum + Math.round(Number(payload.value) * 1000), 0)
  }
}
