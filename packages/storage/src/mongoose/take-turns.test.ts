import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { takeTurns } from './take-turns.ts'

const keys = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 3 })

test('works that share a key never overlap and keep their order; others do not wait; a failure ends a turn', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(keys, { maxLength: 12 }), fc.scheduler(), async (works, scheduler) => {
      const inTurn = takeTurns()
      const begun: number[] = []
      const running = new Set<number>()
      const meet = (left: number, right: number) => works[left]?.some((key) => works[right]?.includes(key))
      let overlaps = 0
      const outcomes = works.map((own, at) =>
        inTurn(own, async () => {
          overlaps += [...running].filter((other) => meet(other, at)).length
          running.add(at)
          begun.push(at)
          await scheduler.schedule(Promise.resolve())
          running.delete(at)
          if (at % 3 === 0) throw new Error('refused')
          return 'done'
        }).catch(String),
      )
      const free = works.flatMap((_, at) =>
        works.slice(0, at).some((_, other) => meet(other, at)) ? [] : [at],
      )
      expect(begun).toEqual(free)
      const answers = await scheduler.waitFor(Promise.all(outcomes))
      expect(answers).toEqual(works.map((_, at) => (at % 3 === 0 ? 'Error: refused' : 'done')))
      expect(overlaps).toBe(0)
      for (const [place, at] of begun.entries()) {
        expect(begun.slice(0, place).filter((other) => other > at && meet(other, at))).toEqual([])
      }
    }),
  )
})
