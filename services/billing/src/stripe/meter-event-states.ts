import type { MeterEvent } from './collections.ts'
import type { MeterAnswer } from './meter-event-answers.ts'
import { notReplaceable } from './meter-event-writes.ts'

/** What is asked of Stripe next; nothing where the event waits or is done with. */
export interface NextAsking {
  event: MeterEvent
  asks?: 'count' | 'cancel'
}

const secondMs = 1000
const hourMs = 3_600_000
const dayMs = 24 * hourMs
// Stripe remembers identifiers, and takes events back, for a day; this leaves room for clocks that differ.
const askedForMs = 23 * hourMs
const longestDelayMs = 10 * 60 * secondMs
const keptMs = 90 * dayMs
/** https://docs.stripe.com/changelog/dahlia/2026-04-22/billing-meter-event-values-validation */
const mostDigits = 15

/** The event as it is kept before Stripe is asked, `replaced` being the one whose place it takes. */
export function beforeAsking(before: MeterEvent, replaced: MeterEvent | undefined, now: Date): NextAsking {
  const { status, replaces, attempts, askedAt, sentAt, value } = before
  if (status === 'canceling') {
    if (now.getTime() - (sentAt?.getTime() ?? 0) < dayMs) return asking(before, 'cancel', now)
    const ending = attempts === 0 ? ('standing' as const) : ('unsure' as const)
    return { event: failed(before, ending, 'too_late', 'Stripe takes events back for 24 hours') }
  }
  if (status !== 'pending') return { event: done(before, status) }
  if (before.cancels && askedAt === undefined) return { event: done(before, 'canceled', now) }
  if (replaces !== undefined) {
    const settled = replaced?.status === 'canceled' || replaced?.status === 'refused'
    const message = `Stripe still counts ${replaces}, which this was to replace`
    const kept = !replaced || replaced.status === 'standing' || replaced.status === 'unsure'
    if (kept) return { event: failed(before, 'refused', notReplaceable, message) }
    if (!settled) return { event: { ...before, dueAt: new Date(now.getTime() + secondMs) } }
  }
  if (digitsOf(value) > mostDigits) {
    const message = `Stripe takes ${mostDigits} digits; rounding is not ours to do`
    return { event: failed(before, 'refused', 'value_too_many_digits', message) }
  }
  if (askedAt && now.getTime() - askedAt.getTime() >= askedForMs) {
    const message = 'Stripe gave no answer while it remembers identifiers: asking again could count twice'
    return { event: failed(before, 'unsure', 'never_answered', message) }
  }
  return asking({ ...before, askedAt: askedAt ?? now }, 'count', now)
}

/** The event after Stripe's answer to `asks`; `isFirst` where it had not been asked to count it before. */
export function afterAsking(
  event: MeterEvent,
  answer: MeterAnswer,
  { now, asks, isFirst }: { now: Date; asks: 'count' | 'cancel'; isFirst: boolean },
): MeterEvent {
  const { status, cancels } = event
  // A late answer to what is settled by now.
  if (status !== (asks === 'count' ? 'pending' : 'canceling')) return event
  if (answer.outcome === 'unknown') return event
  if (answer.outcome === 'busy') {
    if (status === 'canceling' || !isFirst) return event
    const { askedAt: _, ...rest } = event
    return rest
  }
  if (status === 'canceling') {
    if (answer.outcome === 'done') return done(event, 'canceled', now)
    // Asked before without an answer: this may be how Stripe says that it was taken back then.
    return failed(event, event.attempts > 1 ? 'unsure' : 'standing', answer.code, answer.message)
  }
  if (answer.outcome === 'refused') {
    // Asked before without an answer: Stripe may have counted it then, and refuse it for what changed since.
    if (!isFirst) return failed(event, 'unsure', answer.code, answer.message)
    return cancels ? done(event, 'canceled', now) : failed(event, 'refused', answer.code, answer.message)
  }
  const sent = { ...event, sentAt: now }
  if (!cancels) return done(sent, 'sent', now)
  const { cancels: _, ...rest } = sent
  return { ...rest, status: 'canceling', attempts: 0, dueAt: now }
}

/** The event after Stripe told that it took it and could not count it. */
export function afterReport(
  event: MeterEvent,
  { code, message }: { code: string; message: string },
): MeterEvent {
  if (event.status === 'canceling' || event.status === 'standing') return done(event, 'canceled')
  if (event.status !== 'sent' && event.status !== 'unsure') return event
  const { sentAt: _, expiresAt: _expiresAt, ...rest } = event
  return failed(rest, 'refused', code, message)
}

/** The event about to be asked for, and due again should no answer come: after 2 s, 4 s, 8 s … 10 min. */
function asking(event: MeterEvent, asks: 'count' | 'cancel', now: Date): NextAsking {
  const attempts = event.attempts + 1
  const delay = Math.min(secondMs * 2 ** Math.min(attempts, 20), longestDelayMs)
  return { asks, event: { ...event, attempts, dueAt: new Date(now.getTime() + delay) } }
}

/** The event with nothing left to do; kept for 90 days from `now` on, or for good without it. */
export function done(event: MeterEvent, status: MeterEvent['status'], now?: Date): MeterEvent {
  const { dueAt: _, ...rest } = event
  return { ...rest, status, ...(now && { expiresAt: new Date(now.getTime() + keptMs) }) }
}

function failed(event: MeterEvent, status: MeterEvent['status'], code: string, message: string): MeterEvent {
  return { ...done(event, status), failure: { code, message } }
}

/** The significant digits of a decimal. */
function digitsOf(value: string): number {
  return value.replace('-', '').replace('.', '').replace(/^0+/, '').length
}
