import type { HourValue, Meter, UsageEvent } from './collections.ts'
import { fieldValues } from './event-fields.ts'
import type { Counted } from './hour-columns.ts'
import { fromScaled, toScaled } from './scaled.ts'

/** Takes in hours, values, members and single events, and tells the figure of all of them: `aggregate` of packages/pricing. */
export interface Tally {
  addHours(counted: Counted): void
  addValue(value: Omit<HourValue, 'hour'>): void
  addMember(member: string): void
  addEvent(event: UsageEvent): void
  /** An exact decimal; of nothing it is zero. */
  figure(): string
}

/** An empty tally for a meter. */
export function createTally(meter: Pick<Meter, 'aggregation' | 'field'>): Tally {
  switch (meter.aggregation) {
    case 'unique':
      return uniqueTally(meter.field)
    case 'max':
      return maxTally()
    case 'last':
      return lastTally()
    default:
      return sumTally(meter.aggregation)
  }
}

const nothing = { addHours() {}, addValue() {}, addMember() {} }

function sumTally(kind: 'count' | 'sum'): Tally {
  let count = 0n
  let sum = 0n
  return {
    ...nothing,
    addHours(counted) {
      count += counted.count
      sum += counted.sum
    },
    addEvent(event) {
      count += 1n
      sum += toScaled(event.effective ?? '0')
    },
    figure: () => (kind === 'count' ? String(count) : fromScaled(sum)),
  }
}

function maxTally(): Tally {
  let max = 0n
  const add = (value = '0') => {
    const scaled = toScaled(value)
    if (scaled > max) max = scaled
  }
  return {
    ...nothing,
    addValue: ({ value }) => add(value),
    addEvent: ({ effective }) => add(effective),
    figure: () => fromScaled(max),
  }
}

function lastTally(): Tally {
  let last = { at: -Infinity, sequence: 0, value: 0n }
  const add = (at: number, sequence: number, value: bigint) => {
    const order = at - last.at || sequence - last.sequence
    if (order > 0 || (order === 0 && value > last.value)) last = { at, sequence, value }
  }
  return {
    ...nothing,
    addValue({ value, at, sequence = 0 }) {
      if (at) add(at.getTime(), sequence, toScaled(value))
    },
    addEvent({ effective, occurredAt, receivedAt }) {
      if (effective !== undefined) add(occurredAt.getTime(), receivedAt.getTime(), toScaled(effective))
    },
    figure: () => fromScaled(last.value),
  }
}

function uniqueTally(field: string): Tally {
  const members = new Set<string>()
  return {
    ...nothing,
    addMember(member) {
      members.add(member)
    },
    addEvent(event) {
      for (const value of fieldValues(event, field)) members.add(value)
    },
    figure: () => String(members.size),
  }
}
