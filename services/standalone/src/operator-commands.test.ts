import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { tally } from '@tallystick/evidence/tally'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { operatorCommands } from './operator-commands.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'operator-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

const store = (name: string) => `sqlite:${join(folder, name)}`

async function run(...args: string[]): Promise<{ status: number; err: string }> {
  const err: string[] = []
  const io = { out: () => {}, err: (line: string) => void err.push(line) }
  const status = await tally(args, io, operatorCommands)
  return { status, err: err.join('\n') }
}

test('a copy of nothing is no copy: a mistyped folder is an empty store', async () => {
  const { status, err } = await run('storage', 'copy', store('mistyped'), store('to'))
  expect([status, err]).toEqual([1, expect.stringContaining('holds nothing in test mode')])
})
