import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { storageContract } from '../contract.ts'
import { openStore } from '../open-store.ts'

const dir = mkdtempSync(join(tmpdir(), 'storage-'))
afterAll(() => rmSync(dir, { recursive: true }))

storageContract({
  name: 'SQLite',
  open: (collections, database) => openStore(`sqlite:${dir}`, { name: database, collections }),
  transactions: true,
})
