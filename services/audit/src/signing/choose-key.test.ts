import { expect, it } from 'vitest'
import { chooseKey } from './choose-key.ts'

const first = { exp: 20 }
const second = { nbf: 10, exp: 30 }
const third = { nbf: 40 }

it.each([
  [0, first],
  [9, first],
  [10, second],
  [29, second],
  [30, undefined],
  [39, undefined],
  [40, third],
])('at %i takes the key that began last of those whose time it is', (iat, expected) => {
  expect(chooseKey([first, second, third], iat)).toBe(expected)
  expect(chooseKey([third, second, first], iat)).toBe(expected)
})
