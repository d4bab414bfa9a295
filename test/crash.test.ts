import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { decodeEntryBundle, leafHash, MemoryTree, openCheckpoint, parseTlogProof } from '@tallystick/merkle'
import { verifyInclusion } from '@tallystick/merkle'
import { receiptEntry } from '@tallystick/receipt'
import { afterEach, expect, test } from 'vitest'

interface Facts {
  url: string
  test_key: string
  chain_rpc: string
  contract: string
  log_key: string
}

const main = fileURLToPath(new URL('../services/standalone/src/main.ts', import.meta.url))
const rounds = 20
const seed = 20_261_121
const batch = 40
const cleanups: (() => unknown)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
})

function dataFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tallystick-crash-'))
  cleanups.push(() => rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }))
  return folder
}

async function start(folder: string): Promise<{ server: ChildProcess; facts: Facts }> {
  const server = spawn(process.execPath, [main, '--json', '--port', '0', '--data', folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  cleanups.push(() => end(server, 'SIGTERM'))
  const line = new Promise<string>((resolve, reject) => {
    createInterface(server.stdout).once('line', resolve)
    server.once('exit', (code) => reject(new Error(`the server ended with ${code} before it listened`)))
  })
  return { server, facts: JSON.parse(await line) as Facts }
}

async function end(server: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (server.exitCode === null && server.signalCode === null) {
    const exited = once(server, 'exit')
    server.kill(signal)
    await exited
  }
  return server.exitCode
}

/** Park and Miller's generator: the same kills at the same times in every run. */
function seeded(state: number): () => number {
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647
}

/** Records until the server dies; notes down each receipt that was told and each checkpoint that was seen. */
async function load(facts: Facts, name: string, receipts: Map<string, string>, notes: Set<string>) {
  for (let call = 0; ; call++) {
    const records = Array.from({ length: batch }, (_, place) => ({
      event: `${name}-${call}-${place}`,
      kind: 'training.usage',
      actor: 'acct_load',
    }))
    try {
      const answer = await post(facts, { records })
      for (const { event, receipt } of answer) receipts.set(event, receipt.receipt)
      const checkpoint = await fetch(`${facts.url}/log/checkpoint`)
      if (checkpoint.ok) notes.add(await checkpoint.text())
    } catch (error) {
      // fetch tells a broken connection by TypeError: the server was killed.
      if (error instanceof TypeError) return
      throw error
    }
  }
}

async function post({ url, test_key: key }: Facts, body: unknown) {
  const answer = await fetch(`${url}/v1/audit/records`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`${answer.status}: ${text}`)
  const { data } = JSON.parse(text) as {
    data: { event: string; status: string; receipt: { id: string; receipt: string } }[]
  }
  return data
}

async function newestNote({ url }: Facts): Promise<string> {
  return (await fetch(`${url}/log/checkpoint`)).text()
}

/** The whole log as any mirror reads it: every entry below `size`, out of the published bundles. */
async function mirror({ url }: Facts, size: number): Promise<Uint8Array[]> {
  const entries: Uint8Array[] = []
  for (let index = 0; index * 256 < size; index++) {
    const width = Math.min(256, size - index * 256)
    const number = index < 1000 ? pad(index) : `x${pad(Math.floor(index / 1000))}/${pad(index % 1000)}`
    const path = `/log/tile/entries/${number}${width < 256 ? `.p/${width}` : ''}`
    const answer = await fetch(url + path)
    if (!answer.ok) throw new Error(`${path}: ${answer.status}`)
    entries.push(...decodeEntryBundle(new Uint8Array(await answer.arrayBuffer())))
  }
  return entries
}

function pad(number: number): string {
  return String(number).padStart(3, '0')
}

async function rpc<T>({ chain_rpc: url }: Facts, method: string, params: unknown[]): Promise<T> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  })
  return ((await answer.json()) as { result: T }).result
}

async function anchorsOf({ url }: Facts) {
  const answer = await fetch(`${url}/v1/anchors?limit=100`)
  const { data } = (await answer.json()) as {
    data: { size: number; root: string; state: string; tx?: string }[]
  }
  return data
}

async function until<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  for (let waited = 0; waited < 180_000; waited += 200) {
    const found = await look()
    if (found !== undefined) return found
    await pause(200)
  }
  throw new Error(`${what}: not within three minutes`)
}

test('killed at random points under load, the server loses, doubles and contradicts nothing', async () => {
  const folder = dataFolder()
  const random = seeded(seed)
  const receipts = new Map<string, string>()
  const notes = new Set<string>()
  for (let round = 0; round < rounds; round++) {
    const { server, facts } = await start(folder)
    const loads = ['a', 'b', 'c'].map((name) => load(facts, `${round}${name}`, receipts, notes))
    await pause(200 + random() * 1300)
    await end(server, 'SIGKILL')
    await Promise.all(loads)
  }
  const { server, facts } = await start(folder)
  expect(receipts.size).toBeGreaterThan(rounds * batch)

  // One more, after which everything that waited before it has its place too.
  const [last] = await post(facts, { records: [{ event: 'last', kind: 'training.usage', actor: 'a' }] })
  receipts.set('last', last?.receipt.receipt ?? '')
  await until('the last receipt is in a published checkpoint', async () => {
    const answer = await fetch(`${facts.url}/v1/audit/evidence`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ receipt: last?.receipt.receipt }),
    })
    await answer.arrayBuffer()
    return answer.ok || undefined
  })
  const note = await newestNote(facts)
  notes.add(note)
  const head = openCheckpoint(note, { logKey: facts.log_key })
  const entries = await mirror(facts, head.size)
  const tree = new MemoryTree()
  const roots = [Buffer.from(tree.root)]
  for (const entry of entries) {
    tree.append(leafHash(entry))
    roots.push(Buffer.from(tree.root))
  }
  expect(tree.size).toBe(head.size)

  // Every checkpoint ever seen is a head of this one tree: so all are consistent, and no size has two roots.
  for (const seen of notes) {
    const { size, root } = openCheckpoint(seen, { logKey: facts.log_key })
    expect(roots[size]).toEqual(Buffer.from(root))
  }

  const places = new Map<string, number>()
  for (const [index, entry] of entries.entries()) places.set(Buffer.from(entry).toString('hex'), index)
  expect(places.size).toBe(entries.length)
  const lost = [...receipts].filter(([, jws]) => !places.has(Buffer.from(receiptEntry(jws)).toString('hex')))
  expect(lost).toEqual([])

  // A sample proves over HTTP, and recording it again gives the receipt that was told.
  const all = [...receipts]
  for (let sample = 0; sample < 40; sample++) {
    const [event, jws] = all[Math.floor(random() * all.length)] ?? ['', '']
    if (event === 'last') continue
    const [again] = await post(facts, { records: [{ event, kind: 'training.usage', actor: 'acct_load' }] })
    expect(again).toMatchObject({ status: 'duplicate', receipt: { receipt: jws } })
    const answer = await fetch(`${facts.url}/v1/audit/${again?.receipt.id}/proof`, {
      headers: { authorization: `Bearer ${facts.test_key}`, accept: 'text/plain' },
    })
    const { index, proof, checkpoint } = parseTlogProof(await answer.text())
    const { size, root } = openCheckpoint(checkpoint, { logKey: facts.log_key })
    expect(verifyInclusion({ index, size, leafHash: leafHash(receiptEntry(jws)), proof, root })).toBe(true)
  }

  // Anchoring resumed: the head gets onto the chain, each size once, each root that of the tree.
  const anchored = await until('the head is anchored for good', async () => {
    const found = await anchorsOf(facts)
    const open = found.some(({ state }) => !['final', 'superseded'].includes(state))
    return !open && found.some(({ size, state }) => size >= head.size && state === 'final')
      ? found
      : undefined
  })
  const events = await rpc<{ topics: string[]; data: string; transactionHash: string }[]>(
    facts,
    'eth_getLogs',
    [{ address: facts.contract, fromBlock: '0x0', toBlock: 'latest' }],
  )
  const finals = anchored.filter(({ state }) => state === 'final')
  for (const { size, root, tx } of finals) {
    if (size <= head.size) expect(root).toBe(`sha256:${roots[size]?.toString('hex')}`)
    const on = events.filter(({ data, topics }) => (data + topics.join('')).includes(root.slice(7)))
    expect(on.map(({ transactionHash }) => transactionHash)).toEqual([tx])
  }
  const publisher = '0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266'
  const transactions = Number(await rpc<string>(facts, 'eth_getTransactionCount', [publisher, 'latest']))
  // The deployment, and one transaction for each anchor: nothing was paid for twice.
  expect(transactions).toBe(1 + finals.length)
  expect(await end(server, 'SIGTERM')).toBe(0)
}, 1_800_000)

test('SIGTERM ends the server with exit code 0, and the same folder goes on where it stopped', async () => {
  const folder = dataFolder()
  const first = await start(folder)
  const record = { event: 'evt_1', kind: 'training.usage', actor: 'acct_a' }
  const [before] = await post(first.facts, { records: [record] })
  // A request under way is answered, not cut off.
  const underWay = post(first.facts, { records: [{ ...record, event: 'evt_2' }] })
  await underWay
  expect(await end(first.server, 'SIGTERM')).toBe(0)

  const second = await start(folder)
  const { log_key, test_key, contract } = first.facts
  expect(second.facts).toMatchObject({ log_key, test_key, contract })
  const [after] = await post(second.facts, { records: [record] })
  expect(after).toMatchObject({ status: 'duplicate', receipt: { receipt: before?.receipt.receipt } })
  expect(await rpc(second.facts, 'eth_getCode', [contract, 'latest'])).not.toBe('0x')
  expect(await end(second.server, 'SIGTERM')).toBe(0)
})
