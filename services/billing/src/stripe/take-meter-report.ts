import { Fault } from '@tallystick/protocol'
import { DuplicateKey, insert, replace } from '@tallystick/storage'
import { Stripe } from 'stripe'
import type { Deps } from '../deps.ts'
import { stripeEvents, stripeMeterEvents } from './collections.ts'
import { afterReport } from './meter-event-states.ts'
import { troubleWrites } from './meter-event-trouble.ts'
import type { EventOutcome } from './take-event.ts'

type Report =
  | Stripe.Events.V1BillingMeterErrorReportTriggeredEvent
  | Stripe.Events.V1BillingMeterNoMeterFoundEvent

/**
 * Takes a notification whose signature was verified: that Stripe, when it came to count meter events that it had taken,
 * could not (https://docs.stripe.com/billing/subscriptions/usage-based/recording-usage-api). The samples that the
 * report names are refused; how many there are is told in the log.
 */
export async function takeMeterReport(
  deps: Deps,
  stripe: Stripe,
  notification: Pick<Stripe.V2.Core.EventNotification, 'id' | 'type' | 'livemode' | 'context'>,
): Promise<EventOutcome> {
  const { id, type } = notification
  if (notification.livemode !== deps.livemode || notification.context) return 'ignored'
  if (type !== 'v1.billing.meter.error_report_triggered' && type !== 'v1.billing.meter.no_meter_found')
    return 'ignored'
  if (await deps.store.get(stripeEvents, id)) return 'duplicate'
  const report = await retrieve(stripe, id)
  if (!report) return 'ignored'
  const { error_count: errors, error_types: kinds } = report.data.reason
  deps.log.warn(
    { event: id, errors, kinds: kinds.map(({ code }) => code) },
    'Stripe did not count meter events',
  )
  for (const { code, sample_errors: samples } of kinds) {
    for (const { error_message: message, request } of samples)
      await refuse(deps, request.identifier, { code, message: message.slice(0, 500) })
  }
  try {
    await deps.store.commit([insert(stripeEvents, { id, type, subject: id, receivedAt: deps.now() })])
    return 'recorded'
  } catch (error) {
    if (error instanceof DuplicateKey) return 'duplicate'
    throw error
  }
}

async function retrieve(stripe: Stripe, id: string): Promise<Report | undefined> {
  const event = await stripe.v2.core.events.retrieve(id).catch((error: unknown) => {
    if (!(error instanceof Stripe.errors.StripeError)) throw error
    throw new Fault('unavailable', { detail: 'Stripe could not be asked what happened', cause: error })
  })
  const isReport =
    event.type === 'v1.billing.meter.error_report_triggered' ||
    event.type === 'v1.billing.meter.no_meter_found'
  return isReport ? event : undefined
}

/** A report names a request by its key or by the identifier of its event, which ours begin with. */
async function refuse(deps: Deps, name: string, failure: { code: string; message: string }): Promise<void> {
  const id = name.split(':')[0] ?? ''
  await deps.store.attempt(async () => {
    const stored = await deps.store.get(stripeMeterEvents, id)
    if (!stored) return
    const { version, ...before } = stored
    const after = afterReport(before, failure)
    if (after.status === before.status) return
    await deps.store.commit([
      replace(stripeMeterEvents, after, version),
      ...troubleWrites(deps, before, after),
    ])
  })
}
