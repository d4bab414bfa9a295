import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { errorsPage } from './errors-page.ts'

test('docs/errors.md tells the error table as it is', () => {
  expect(readFileSync(new URL('../docs/errors.md', import.meta.url), 'utf8')).toBe(errorsPage())
})
