import { expect, test } from 'vitest'
import { csvLine } from './csv-line.ts'

test('cells with commas, quotes and line ends are quoted', () => {
  expect(csvLine(['a,b', 'say "no"', 'x\r\ny', 'plain', ''])).toBe('"a,b","say ""no""","x\r\ny",plain,\r\n')
})

test.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', '\n=1'])('%j is text, not a formula', (cell) => {
  expect(csvLine([cell]).replace(/^"/, '').startsWith(`'`)).toBe(true)
})
