import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { cutTime } from './time-buckets.ts'
import { hourMs } from './time-pieces.ts'

const moment = fc.date({ min: new Date('2025-12-20'), max: new Date('2026-04-10'), noInvalidDate: true })

test('days of UTC and hours are cut where any zone at UTC would cut them', () => {
  fc.assert(
    fc.property(moment, fc.integer({ min: 1, max: 40 * 24 * hourMs }), (from, length) => {
      const stretch = { from, before: new Date(from.getTime() + length) }
      const cut = (bucket: 'day' | 'hour', timeZone: string) =>
        cutTime({ ...stretch, bucket, timeZone }, 1000)
      expect(cut('day', 'UTC')).toEqual(cut('day', 'Etc/GMT'))
      const hours = cut('hour', 'Europe/Berlin')?.map((at) => at.getTime()) ?? []
      expect(hours[0]).toBe(from.getTime())
      expect(hours.at(-1)).toBe(stretch.before.getTime())
      expect(hours.slice(1, -1).every((at) => at % hourMs === 0)).toBe(true)
      expect(hours.every((at, place) => place === 0 || at - (hours[place - 1] ?? at) <= hourMs)).toBe(true)
    }),
  )
})
