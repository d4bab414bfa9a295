import { expect, test } from 'vitest'
import { createLog } from './log.ts'
import { loop } from './loop.ts'
import { createMetrics } from './metrics.ts'

const log = createLog({ name: 'test', level: 'silent' })
const hour = 3_600_000

/** A promise for the nth run of a loop. */
function runs(count: number) {
  const { promise, resolve } = Promise.withResolvers<void>()
  let seen = 0
  return { reached: promise, run: () => void (++seen >= count && resolve()), seen: () => seen }
}

test('runs without a pause while there is more', async () => {
  const counted = runs(5)
  const running = loop({
    name: 'busy',
    everyMs: hour,
    log,
    run: async () => {
      counted.run()
      return counted.seen() < 5
    },
  })
  await counted.reached
  await running.stop()
  expect(counted.seen()).toBe(5)
})

test('a wake ends the pause, also one that came during the run', async () => {
  const counted = runs(3)
  const metrics = createMetrics()
  const running = loop({
    name: 'woken',
    everyMs: hour,
    log,
    metrics,
    run: async () => {
      counted.run()
      if (counted.seen() < 3) running.wake()
    },
  })
  await counted.reached
  await running.stop()
  expect((await metrics.loopRuns.get()).values).toMatchObject([{ value: 3, labels: { outcome: 'ok' } }])
})

test('an error is counted and does not end the loop, and no wake rushes the pause after it', async () => {
  const failed = runs(1)
  const again = runs(2)
  const begun: number[] = []
  const metrics = createMetrics()
  const running = loop({
    name: 'failing',
    everyMs: 1,
    log,
    metrics,
    run: async () => {
      begun.push(performance.now())
      failed.run()
      again.run()
      throw new Error('no')
    },
  })
  await failed.reached
  for (let turn = 0; turn < 20; turn++) {
    running.wake()
    await new Promise(setImmediate)
  }
  await again.reached
  const [first = 0, second = 0] = begun
  expect(second - first).toBeGreaterThan(90)
  await running.stop()
  const values = (await metrics.loopRuns.get()).values
  expect(values).toMatchObject([{ value: 2, labels: { loop: 'failing', outcome: 'error' } }])
})

test('a stop lets the run under way end', async () => {
  const begun = Promise.withResolvers<void>()
  const release = Promise.withResolvers<void>()
  let ended = false
  const running = loop({
    name: 'slow',
    everyMs: 1,
    log,
    run: async () => {
      begun.resolve()
      await release.promise
      ended = true
    },
  })
  await begun.promise
  const stopped = running.stop()
  release.resolve()
  await stopped
  expect(ended).toBe(true)
})

test('ends by the signal too', async () => {
  const controller = new AbortController()
  const running = loop({
    name: 'signalled',
    everyMs: hour,
    log,
    run: async () => {},
    signal: controller.signal,
  })
  controller.abort()
  await running.stopped
})
