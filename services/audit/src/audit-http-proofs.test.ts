import { problemOf, readAnswer, until } from '@tallystick/runtime/test-http'
import { evidenceBundle, verifyEvidence } from '@tallystick/evidence'
import {
  decodeEntryBundle,
  entriesPath,
  leafHash,
  MemoryTree,
  openCheckpoint,
  tilePath,
  treeRoot,
  verifyConsistency,
  verifyTlogProof,
} from '@tallystick/merkle'
import type { AuditReceipt } from '@tallystick/protocol'
import { parseKeySet, receiptEntry, verifyReceipt } from '@tallystick/receipt'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { startHttpWorld } from './http-world.ts'
import type { HttpWorld } from './http-world.ts'
import { consistency, inclusionProof, keys as keysAnswer } from './schemas.ts'

const total = 300
const immutable = 'public, max-age=31536000, immutable'
const item = `sha256:${'c'.repeat(64)}`
const secrets = ['acct_secret', 'lic_secret', item]

let world: HttpWorld
let key: string
let receipts: AuditReceipt[]
const verdict = z.object({ level: z.string(), checks: z.array(z.object({ ok: z.boolean() })) })

beforeAll(async () => {
  world = await startHttpWorld()
  key = await world.keyOf('acct_secret')
  const more = { actor: 'acct_secret', licenses: ['lic_secret'], items: [item] }
  const events = Array.from({ length: total }, (_, index) => ({ event: `evt_${index}`, ...more }))
  receipts = [...(await world.record(key, events.slice(0, 3))), ...(await world.record(key, events.slice(3)))]
  await until(async () => ((await publishedSize()) >= total ? true : undefined))
})
afterAll(() => world.close())

async function publishedSize(): Promise<number> {
  const answer = await world.call('/log/checkpoint')
  return answer.status === 200 ? trusted(answer.text).size : 0
}

function trusted(note: string) {
  return openCheckpoint(note, { logKey: world.service.logKey })
}

function some(): AuditReceipt {
  const receipt = receipts[123]
  if (!receipt) throw new Error('nothing was recorded')
  return receipt
}

/** A mirror of the log as any tlog client makes it: from the checkpoint and the entry bundles alone. */
async function mirror() {
  const answer = await world.call('/log/checkpoint')
  const { size, root } = trusted(answer.text)
  const entries: Uint8Array[] = []
  for (let index = 0; index * 256 < size; index++) {
    const bundle = await world.call(`/log/${entriesPath(index, Math.min(256, size - index * 256))}`)
    expect(bundle.headers.get('cache-control')).toBe(immutable)
    entries.push(...decodeEntryBundle(bundle.bytes))
  }
  return { size, root, entries, tree: new MemoryTree(entries.map(leafHash)), checkpoint: answer }
}

test('a stranger mirrors the log and finds the root that it signed, with each receipt in it once', async () => {
  const { size, root, entries, tree, checkpoint } = await mirror()
  expect(size).toBe(total)
  expect(checkpoint.headers.get('cache-control')).toBe('no-cache')
  expect(checkpoint.headers.get('content-type')).toBe('text/plain; charset=utf-8')
  expect(await treeRoot(size, tree.source)).toEqual(root)
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
  expect(entries.map(hex).toSorted()).toEqual(
    receipts.map(({ receipt }) => hex(receiptEntry(receipt))).toSorted(),
  )
  for (const [level, index, width] of [
    [0, 0, 256],
    [0, 1, 44],
    [0, 1, 1],
    [1, 0, 1],
  ] as const) {
    const tile = await world.call(`/log/${tilePath(level, index, width)}`)
    const hashes = Array.from({ length: width }, (_, place) => tree.source(level * 8, index * 256 + place))
    expect(Buffer.compare(tile.bytes, Buffer.concat(hashes))).toBe(0)
    expect(tile.headers.get('cache-control')).toBe(immutable)
    expect(tile.headers.get('content-type')).toBe('application/octet-stream')
  }
})

test.each([
  'tile/0/001',
  'tile/0/001.p/45',
  'tile/0/000.p/256',
  'tile/0/000.p/0',
  'tile/0/0',
  'tile/00/000',
  'tile/1/001',
  'tile/64/000',
  'tile/entries/002.p/1',
  'tile/entries/..%2f000',
  'tile/0/x999/x999/x999/x999/x999/999',
  'tile/',
])('%s, which the published log has not, is 404 and stays in no cache', async (path) => {
  const answer = await world.call(`/log/${path}`)
  expect([answer.status, problemOf(answer).code]).toEqual([404, 'not_found'])
  expect(answer.headers.get('cache-control')).toBe('no-store')
})

test('a proof comes as JSON and as tlog-proof text, and verifies under the log’s key', async () => {
  const { id, receipt } = some()
  const path = `/v1/audit/${id}/proof`
  const json = readAnswer(inclusionProof, await world.call(path, { key }))
  const text = await world.call(path, { key, headers: { accept: 'text/plain' } })
  expect([text.status, text.headers.get('content-type')]).toEqual([200, 'text/plain; charset=utf-8'])
  expect(text.text).toBe(json.proof)
  const proven = verifyTlogProof(text.text, receiptEntry(receipt), { logKey: world.service.logKey })
  expect(proven).toMatchObject({
    index: json.index,
    size: json.size,
    extra: new Uint8Array(Buffer.from(receipt)),
  })
  const other = receiptEntry(receipts[7]?.receipt ?? '')
  expect(() => verifyTlogProof(text.text, other, { logKey: world.service.logKey })).toThrow(
    'not in the checkpoint',
  )
})

test('evidence by id and by receipt is the same, and convinces offline', async () => {
  const { id, receipt } = some()
  const byId = readAnswer(evidenceBundle, await world.call(`/v1/audit/${id}/evidence`, { key }))
  const byReceipt = readAnswer(evidenceBundle, await world.call('/v1/audit/evidence', { body: { receipt } }))
  expect(byReceipt).toEqual(byId)
  const jwks = parseKeySet((await world.call('/.well-known/jwks.json')).text)
  const found = await verifyEvidence(byId, { jwks, logKey: world.service.logKey })
  expect(found).toMatchObject({ level: 'LOGGED', receipt: { jti: id } })
})

test('whoever has only the hash gets the proof, and learns nothing of the receipt', async () => {
  const { id, receipt, receipt_hash, event } = some()
  const answer = await world.call(`/v1/audit/proofs/${receipt_hash}`)
  const posted = await world.call('/v1/audit/evidence', { body: { receipt_hash } })
  const asText = await world.call(`/v1/audit/proofs/${receipt_hash}`, { headers: { accept: 'text/plain' } })
  const { proof, index } = readAnswer(inclusionProof, answer)
  expect([posted.text, asText.text]).toEqual([answer.text, proof])
  const proven = verifyTlogProof(proof, receiptEntry(receipt), { logKey: world.service.logKey })
  expect(proven.index).toBe(index)
  expect(proven.extra).toBeUndefined()
  const inBase64 = Buffer.from(receipt).toString('base64').slice(0, 40)
  const told = answer.text + [...answer.headers].join()
  for (const secret of [id, receipt, inBase64, receipt.split('.')[1] ?? '', `"${event}"`, ...secrets])
    expect(told).not.toContain(secret)
})

test('evidence is given for receipts of this log only', async () => {
  const { receipt } = some()
  const [header = '', payload = '', signature = ''] = receipt.split('.')
  const forged = Buffer.from(payload, 'base64url').toString().replace('lic_secret', 'lic_forged')
  const none = Buffer.from('{"alg":"none"}').toString('base64url')
  for (const [body, status] of [
    [{ receipt: `${header}.${Buffer.from(forged).toString('base64url')}.${signature}` }, 404],
    [{ receipt: `${none}.${payload}.${signature}` }, 404],
    [{ receipt: 'a.b.c' }, 404],
    [{ receipt_hash: `sha256:${'0'.repeat(64)}` }, 404],
    [{ receipt: 'no receipt' }, 400],
    [{ receipt: 'x'.repeat(300_000) }, 400],
    [{ receipt_hash: 'sha256:1' }, 400],
    [{ receipt, receipt_hash: some().receipt_hash }, 400],
    [{}, 400],
  ] as const) {
    const answer = await world.call('/v1/audit/evidence', { body })
    expect([answer.status, problemOf(answer).status], JSON.stringify(body).slice(0, 80)).toEqual([
      status,
      status,
    ])
  }
  for (const [hash, status] of [
    [`sha256:${'0'.repeat(64)}`, 404],
    ['sha256:1', 400],
    ['0'.repeat(64), 400],
  ] as const)
    expect(problemOf(await world.call(`/v1/audit/proofs/${hash}`)).status, hash).toBe(status)
})

test('verify grades what is true, and calls what was tampered with invalid', async () => {
  const verify = async (evidence: unknown) =>
    readAnswer(verdict, await world.call('/v1/audit/verify', { body: { evidence } })).level
  const good = readAnswer(evidenceBundle, await world.call(`/v1/audit/${some().id}/evidence`, { key }))
  const other = readAnswer(evidenceBundle, await world.call(`/v1/audit/${receipts[9]?.id}/evidence`, { key }))
  expect(await verify(good)).toBe('LOGGED')
  const proof = good.proof?.replace(/index \d+/, 'index 5')
  for (const bad of [
    { ...good, proof },
    { ...good, proof: other.proof },
    { ...good, receipt: other.receipt },
    { ...good, receipt: `${good.receipt.slice(0, -4)}AAAA` },
    { ...good, version: 2 },
    { ...good, proof: 'c2sp.org/tlog-proof@v1\n' },
    { receipt: good.receipt },
    {},
  ]) {
    expect(await verify(bad)).toBe('INVALID')
  }
  for (const body of [{}, { evidence: [] }, { evidence: 'x' }, { evidence: good, jwks: good.jwks }]) {
    const answer = await world.call('/v1/audit/verify', { body })
    expect([answer.status, problemOf(answer).code]).toEqual([400, 'validation_failed'])
  }
})

test('consistency between any two published sizes verifies; other ranges are refused', async () => {
  const { tree } = await mirror()
  for (const [from, to] of [
    [1, 300],
    [3, 300],
    [255, 257],
    [256, 300],
    [300, 300],
  ] as const) {
    const answer = await world.call(`/v1/audit/consistency?from=${from}&to=${to}`)
    const proof = readAnswer(consistency, answer).proof.map(
      (hash) => new Uint8Array(Buffer.from(hash, 'base64')),
    )
    const [fromRoot, toRoot] = [await treeRoot(from, tree.source), await treeRoot(to, tree.source)]
    expect(verifyConsistency({ from, to, fromRoot, toRoot, proof })).toBe(true)
    expect(verifyConsistency({ from, to, fromRoot, toRoot: leafHash(toRoot), proof })).toBe(false)
  }
  for (const query of ['from=2&to=1', 'from=1&to=301', 'from=1&to=9007199254740991']) {
    const answer = await world.call(`/v1/audit/consistency?${query}`)
    expect(problemOf(answer).code, query).toBe('invalid_range')
    expect(answer.status).toBeLessThan(500)
  }
  for (const query of [
    '',
    'from=1',
    'from=0&to=5',
    'from=-1&to=5',
    'from=1.5&to=5',
    'from=a&to=5',
    'from=1&to=1e400',
  ]) {
    const answer = await world.call(`/v1/audit/consistency?${query}`)
    expect([answer.status, problemOf(answer).code], query).toEqual([400, 'validation_failed'])
  }
})

test('the published keys are public halves only, alike in both places, and verify every receipt', async () => {
  const jwks = await world.call('/.well-known/jwks.json')
  expect(jwks.headers.get('content-type')).toContain('application/jwk-set+json')
  expect(jwks.headers.get('cache-control')).toBe('public, max-age=300')
  const set = parseKeySet(jwks.text)
  const told = readAnswer(keysAnswer, await world.call('/v1/keys'))
  expect(told).toMatchObject({ log: { origin: 'log.example/http', key: world.service.logKey }, chains: [] })
  expect(told.jwks).toEqual(JSON.parse(jwks.text))
  expect(set.keys.every((jwk) => !('d' in jwk))).toBe(true)
  for (const { receipt, id } of receipts.slice(0, 20))
    expect((await verifyReceipt(receipt, set)).payload.jti).toBe(id)
})
