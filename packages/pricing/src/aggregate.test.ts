import { compareDecimals, parseDecimal } from '@tallystick/money'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  addEvent,
  aggregate,
  aggregateValue,
  type AggregateState,
  type Aggregation,
  emptyAggregate,
  isAdditive,
  mergeAggregates,
  type MeterEvent,
  removeEvent,
} from './aggregate.ts'

const kinds: readonly Aggregation[] = ['count', 'sum', 'max', 'last', 'unique']
const meterEvents: fc.Arbitrary<MeterEvent> = fc.record({
  occurredAt: fc.nat(5).map((day) => new Date(Date.UTC(2026, 0, 1 + day))),
  sequence: fc.nat(3),
  value: fc.record({ mantissa: fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }), scale: fc.nat(12) }),
  member: fc.constantFrom('a', 'b', 'c', 'd'),
})
const lists = fc.array(meterEvents, { maxLength: 20 })
const stateOf = (kind: Aggregation, events: readonly MeterEvent[]): AggregateState =>
  events.reduce(addEvent, emptyAggregate(kind))
const isSame = (a: AggregateState, b: AggregateState): boolean =>
  compareDecimals(aggregateValue(a), aggregateValue(b)) === 0
const event = (day: number, value: string, member = 'a'): MeterEvent => ({
  occurredAt: new Date(Date.UTC(2026, 0, day)),
  sequence: 0,
  value: parseDecimal(value),
  member,
})

describe.each(kinds)('the state of %s', (kind) => {
  test('stands for the same figure as the events', () => {
    fc.assert(
      fc.property(
        lists,
        (events) => compareDecimals(aggregateValue(stateOf(kind, events)), aggregate(kind, events)) === 0,
      ),
    )
  })

  test('merges in any order and grouping into that of all events', () => {
    fc.assert(
      fc.property(lists, lists, lists, (first, second, third) => {
        const [a, b, c] = [stateOf(kind, first), stateOf(kind, second), stateOf(kind, third)]
        const all = stateOf(kind, [...first, ...second, ...third])
        return (
          isSame(mergeAggregates(mergeAggregates(a, b), c), all) &&
          isSame(mergeAggregates(c, mergeAggregates(b, a)), all) &&
          isSame(mergeAggregates(a, emptyAggregate(kind)), a) &&
          isSame(mergeAggregates(emptyAggregate(kind), a), a)
        )
      }),
    )
  })

  test('does not depend on the order in which events arrive', () => {
    fc.assert(
      fc.property(lists, (events) => isSame(stateOf(kind, events), stateOf(kind, events.toReversed()))),
    )
  })

  test('gives an event back where it can, and says so where it cannot', () => {
    fc.assert(
      fc.property(lists, meterEvents, (events, more) => {
        const removed = removeEvent(addEvent(stateOf(kind, events), more), more)
        return isAdditive(kind)
          ? removed !== undefined && isSame(removed, stateOf(kind, events))
          : removed === undefined
      }),
    )
  })

  test('is additive across slices only for count and sum', () => {
    const slices = [
      [event(1, '5'), event(2, '7', 'b')],
      [event(3, '4'), event(4, '6', 'c')],
    ]
    const whole = aggregate(kind, slices.flat())
    const added = slices
      .map((slice) => aggregate(kind, slice))
      .reduce((a, b) => ({
        mantissa: a.mantissa + b.mantissa,
        scale: 0,
      }))
    expect(compareDecimals(whole, added) === 0).toBe(isAdditive(kind))
  })
})

describe('a meter', () => {
  test('gives count, sum, max, last and unique of its events', () => {
    const events = [event(2, '7', 'b'), event(3, '4'), event(1, '5')]
    expect(kinds.map((kind) => Number(aggregate(kind, events).mantissa))).toEqual([3, 16, 7, 4, 2])
    expect(kinds.map((kind) => Number(aggregate(kind, []).mantissa))).toEqual([0, 0, 0, 0, 0])
  })

  test('takes the last event by moment, then by sequence, whatever their values', () => {
    const first = { ...event(2, '9'), sequence: 1 }
    const second = { ...event(2, '4'), sequence: 2 }
    const earlier = { ...event(1, '99'), sequence: 3 }
    for (const events of [
      [first, second, earlier],
      [earlier, second, first],
    ]) {
      expect(aggregate('last', events)).toEqual(parseDecimal('4'))
    }
  })

  test('keeps a maximum that is negative', () => {
    expect(aggregate('max', [event(1, '-5'), event(2, '-3')])).toEqual(parseDecimal('-3'))
  })

  test('does not merge states of different kinds', () => {
    expect(() => mergeAggregates(emptyAggregate('sum'), emptyAggregate('max'))).toThrow(TypeError)
  })
})
