import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startLocalChain } from './local-chain.ts'

let folder: string
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'local-chain-'))))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function ask(rpcUrl: string, method: string): Promise<unknown> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: [] })
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(rpcUrl, { method: 'POST', headers, body })
  return ((await answer.json()) as { result: unknown }).result
}

test.each([
  ['cut short', (state: string) => state.slice(0, state.length / 2)],
  ['emptied', () => ''],
])('a chain whose state file was %s goes on from the last whole one', async (_, spoil) => {
  const stateFile = join(folder, `${spoil.length}.json`)
  const first = await startLocalChain({ stateFile })
  for (let block = 0; block < 3; block++) await ask(first.rpcUrl, 'evm_mine')
  await first.stop()
  writeFileSync(stateFile, spoil(readFileSync(stateFile, 'utf8')))
  const second = await startLocalChain({ stateFile })
  try {
    expect(Number(await ask(second.rpcUrl, 'eth_blockNumber'))).toBe(3)
  } finally {
    await second.stop()
  }
})
