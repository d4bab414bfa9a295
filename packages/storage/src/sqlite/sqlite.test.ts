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

// The same promises hold for what is kept in memory.
storageContract({
  name: 'SQLite, all collections read-mostly',
  open: (collections, database) => {
    const readMostly = collections.map((collection) => ({ ...collection, readMostly: true }))
    return openStore(`sqlite:${dir}`, { name: `kept-${database}`, collections: readMostly })
  },
  transactions: true,
})
