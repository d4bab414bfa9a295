import { addDecimals, compareDecimals, type Decimal, subtractDecimals, zero } from '@tallystick/money'

/** How a meter makes one figure of its events. */
export type Aggregation = 'count' | 'sum' | 'max' | 'last' | 'unique'

/** An event as a meter sees it: when it occurred, its place among those of that moment, its value, and its member. */
export interface MeterEvent {
  readonly occurredAt: Date
  readonly sequence: number
  /** What sum, max and last look at. */
  readonly value: Decimal
  /** What unique counts, such as a user's id. */
  readonly member: string
}

type Latest = Pick<MeterEvent, 'occurredAt' | 'sequence' | 'value'>

/** What has to be kept of some events so that more can be added and other states merged. */
export type AggregateState =
  | { readonly kind: 'count'; readonly count: bigint }
  | { readonly kind: 'sum'; readonly sum: Decimal }
  | { readonly kind: 'max'; readonly max: Decimal | undefined }
  | { readonly kind: 'last'; readonly last: Latest | undefined }
  | { readonly kind: 'unique'; readonly members: ReadonlySet<string> }

/**
 * Whether the figures of disjoint slices (days, keys, countries) may be added up. Only count and sum may: the maximum,
 * the last value and the number of unique members of a whole are not the sums of those of its parts.
 */
export function isAdditive(kind: Aggregation): boolean {
  return kind === 'count' || kind === 'sum'
}

/** The figure of some events; of none it is zero. Max and last of no event are zero too, so that nothing is charged. */
export function aggregate(kind: Aggregation, events: readonly MeterEvent[]): Decimal {
  switch (kind) {
    case 'count':
      return wholeOf(events.length)
    case 'sum':
      return events.reduce((sum, event) => addDecimals(sum, event.value), zero)
    case 'max':
      return events.reduce<Decimal | undefined>((max, { value }) => greater(max, value), undefined) ?? zero
    case 'last':
      return events.reduce<Latest | undefined>(later, undefined)?.value ?? zero
    default:
      return wholeOf(new Set(events.map((event) => event.member)).size)
  }
}

/** The state of no events. */
export function emptyAggregate(kind: Aggregation): AggregateState {
  switch (kind) {
    case 'count':
      return { kind, count: 0n }
    case 'sum':
      return { kind, sum: zero }
    case 'max':
      return { kind, max: undefined }
    case 'last':
      return { kind, last: undefined }
    default:
      return { kind, members: new Set() }
  }
}

/** The state with one event more. */
export function addEvent(state: AggregateState, event: MeterEvent): AggregateState {
  switch (state.kind) {
    case 'count':
      return { kind: 'count', count: state.count + 1n }
    case 'sum':
      return { kind: 'sum', sum: addDecimals(state.sum, event.value) }
    case 'max':
      return { kind: 'max', max: greater(state.max, event.value) }
    case 'last':
      return { kind: 'last', last: later(state.last, event) }
    default:
      return { kind: 'unique', members: new Set(state.members).add(event.member) }
  }
}

/**
 * The state with one of its events less. Undefined where the state cannot know what was behind that event (max, last,
 * unique): it has to be built again from the events.
 */
export function removeEvent(state: AggregateState, event: MeterEvent): AggregateState | undefined {
  if (state.kind === 'count') return { kind: 'count', count: state.count - 1n }
  if (state.kind === 'sum') return { kind: 'sum', sum: subtractDecimals(state.sum, event.value) }
  return undefined
}

/** The state of the events of both, which must not share any; throws TypeError for states of different kinds. */
export function mergeAggregates(a: AggregateState, b: AggregateState): AggregateState {
  if (a.kind === 'count' && b.kind === 'count') return { kind: 'count', count: a.count + b.count }
  if (a.kind === 'sum' && b.kind === 'sum') return { kind: 'sum', sum: addDecimals(a.sum, b.sum) }
  if (a.kind === 'max' && b.kind === 'max') return { kind: 'max', max: b.max ? greater(a.max, b.max) : a.max }
  if (a.kind === 'last' && b.kind === 'last')
    return { kind: 'last', last: b.last ? later(a.last, b.last) : a.last }
  if (a.kind === 'unique' && b.kind === 'unique')
    return { kind: 'unique', members: new Set([...a.members, ...b.members]) }
  throw new TypeError(`states of ${a.kind} and ${b.kind} cannot be merged`)
}

/** The figure that a state stands for. */
export function aggregateValue(state: AggregateState): Decimal {
  switch (state.kind) {
    case 'count':
      return { mantissa: state.count, scale: 0 }
    case 'sum':
      return state.sum
    case 'max':
      return state.max ?? zero
    case 'last':
      return state.last?.value ?? zero
    default:
      return wholeOf(state.members.size)
  }
}

function greater(a: Decimal | undefined, b: Decimal): Decimal {
  return a === undefined || compareDecimals(b, a) > 0 ? b : a
}

/** The later of two; where moment and sequence are the same, the greater value, so that order never matters. */
function later(a: Latest | undefined, { occurredAt, sequence, value }: Latest): Latest {
  const b = { occurredAt, sequence, value }
  if (a === undefined) return b
  const order =
    occurredAt.getTime() - a.occurredAt.getTime() || sequence - a.sequence || compareDecimals(value, a.value)
  return order > 0 ? b : a
}

const wholeOf = (count: number): Decimal => ({ mantissa: BigInt(count), scale: 0 })
