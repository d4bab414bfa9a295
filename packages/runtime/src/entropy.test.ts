import { idSchema } from '@tallystick/protocol'
import { expect, test } from 'vitest'
import { systemEntropy } from './entropy.ts'

test('no two draws and no two ids are alike, however many and however large', () => {
  const { random, newId } = systemEntropy(() => new Date(0))
  const drawn = new Set<string>()
  let draws = 0
  for (let round = 0; round < 2000; round++) {
    for (const size of [10, 16, 32, 1024, 1025]) {
      const bytes = random(size)
      expect(bytes).toHaveLength(size)
      drawn.add(Buffer.from(bytes.subarray(0, 10)).toString('hex'))
      draws++
    }
    drawn.add(newId('event'))
    draws++
  }
  expect(drawn.size).toBe(draws)
  expect(idSchema('event').safeParse(newId('event')).success).toBe(true)
})

test('what was drawn stays as it was, whatever is drawn next', () => {
  const { random, newId } = systemEntropy()
  const kept = random(10)
  const copy = Uint8Array.from(kept)
  for (let turn = 0; turn < 2000; turn++) newId('item')
  expect(kept).toEqual(copy)
})

test('every bit of a draw is set at times and at times not', () => {
  const { random } = systemEntropy()
  const ever = new Uint8Array(32)
  const always = new Uint8Array(32).fill(255)
  for (let turn = 0; turn < 200; turn++) {
    random(32).forEach((byte, place) => {
      ever[place] = (ever[place] ?? 0) | byte
      always[place] = (always[place] ?? 0) & byte
    })
  }
  expect([...ever]).toEqual(Array.from({ length: 32 }, () => 255))
  expect([...always]).toEqual(Array.from({ length: 32 }, () => 0))
})
