import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { plain, refusal } from '../contract/things.ts'
import { openStore } from '../open-store.ts'
import { increment, insert } from '../write.ts'
import { openSqliteStore } from './sqlite-store.ts'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'storage-'))
})
afterEach(() => rmSync(dir, { recursive: true }))

const open = () => openStore(`sqlite:${dir}`, { name: 'shared', collections: [plain] })

describe('a file of several processes', () => {
  test('keeps every acknowledged commit through kill -9, and no half of one', async () => {
    for (const least of [1, 40, 300]) {
      const child = start('commits')
      const acknowledged: string[] = []
      for await (const line of createInterface({ input: child.stdout })) {
        if (line !== 'ready') acknowledged.push(line)
        if (acknowledged.length >= least && !child.killed) child.kill('SIGKILL')
      }
      const store = await open()
      const found = await store.getMany(plain, acknowledged)
      expect(found.filter((document) => document === undefined)).toEqual([])
      const halves = new Map<string, number>()
      for await (const { id } of store.scanAll(plain)) {
        const commit = id.slice(0, -2)
        halves.set(commit, (halves.get(commit) ?? 0) + 1)
      }
      expect([...halves.values()].every((documents) => documents === 2)).toBe(true)
      await store.close()
      rmSync(dir, { recursive: true })
    }
    // afterEach removes it once more.
    await (await open()).close()
  })

  test('keeps nothing of a read-mostly collection that another changed, until that one was killed', async () => {
    const counted = { ...plain, readMostly: true }
    const openCounted = () => openStore(`sqlite:${dir}`, { name: 'shared', collections: [counted] })
    const store = await openCounted()
    const sum = async (of = store) => (await of.get(counted, 'sum'))?.count ?? 0
    expect(await sum()).toBe(0)
    const child = start('counts')
    let last = 0
    for await (const line of createInterface({ input: child.stdout })) {
      if (line === 'ready') continue
      last = Number(line)
      expect(await sum()).toBeGreaterThanOrEqual(last)
      if (last >= 50 && !child.killed) child.kill('SIGKILL')
    }
    const fresh = await openCounted()
    expect(await sum()).toBe(await sum(fresh))
    await fresh.commit([increment(counted, 'sum', { count: 1 })])
    expect(await sum()).toBeGreaterThan(last)
    expect(await store.get(counted, 'sum')).toBe(await store.get(counted, 'sum'))
    await fresh.close()
    await store.close()
  })

  test('counts the increments of all of them', async () => {
    const children = [start('increments', 300), start('increments', 300)]
    const store = await open()
    await Promise.all([
      ...Array.from({ length: 300 }, () => store.commit([increment(plain, 'sum', { count: 1 })])),
      ...children.map((child) => once(child, 'exit')),
    ])
    expect(children.map(({ exitCode }) => exitCode)).toEqual([0, 0])
    expect(await store.get(plain, 'sum')).toEqual({ id: 'sum', count: 900, version: 900 })
    await store.close()
  })

  test('is waited for while another holds it, and Unavailable in the end', async () => {
    const store = await openSqliteStore(dir, { name: 'shared', collections: [plain] }, { busyMs: 400 })
    const other = new DatabaseSync(join(dir, 'shared.db'))
    other.exec('BEGIN IMMEDIATE')
    expect(await refusal(store.commit([insert(plain, { id: 'a' })]))).toMatchObject({ code: 'Unavailable' })
    const waiting = store.commit([insert(plain, { id: 'b' })])
    other.exec('COMMIT')
    await waiting
    expect(await store.getMany(plain, ['a', 'b'])).toEqual([undefined, { id: 'b', version: 1 }])
    other.close()
    await store.close()
  })

  test('that cannot be opened is Unavailable', async () => {
    const file = join(dir, 'shared.db')
    await writeFile(file, 'not a database, though it has a name like one'.repeat(100))
    expect(await refusal(open())).toMatchObject({ code: 'Unavailable' })
    expect(await refusal(openStore('sqlite:/dev/null/x', { name: 'shared', collections: [] }))).toMatchObject(
      {
        code: 'Unavailable',
      },
    )
  })
})

function start(task: string, times = 0) {
  const child = spawn(
    process.execPath,
    [fileURLToPath(new URL('child.ts', import.meta.url)), dir, task, `${times}`],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  return child satisfies ChildProcess
}
