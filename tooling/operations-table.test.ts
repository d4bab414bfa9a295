import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { operationsPage } from './operations-table.ts'

test('docs/operations.md tells every variable of every service', () => {
  expect(readFileSync(new URL('../docs/operations.md', import.meta.url), 'utf8')).toBe(operationsPage())
})
