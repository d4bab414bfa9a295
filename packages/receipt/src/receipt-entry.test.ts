import { createHash } from 'node:crypto'
import { expect, it } from 'vitest'
import { receiptEntry } from './receipt-entry.ts'

it('is the SHA-256 of the compact text', () => {
  const digest = createHash('sha256').update('a.b.c').digest()
  expect(Buffer.from(receiptEntry('a.b.c'))).toEqual(digest)
})
