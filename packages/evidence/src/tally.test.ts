import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { anchorPart, makeBundle } from '../test/anchored-log.ts'
import { startChain } from '../test/chain.ts'
import type { Chain } from '../test/chain.ts'
import { serveLog } from '../test/log-server.ts'
import { generateNoteKey, makeLog } from '../test/log.ts'
import type { Log } from '../test/log.ts'
import { anchorOnChain, deployRegistry } from '../test/registry.ts'
import { bodyDigest, canonicalize } from '@tallystick/receipt'
import type { AnchorPart } from './build-evidence.ts'
import { blockAt, rpc } from './cli/rpc.ts'
import type { EvidenceBundle } from './evidence-bundle.ts'
import { tally as runTally } from './tally.ts'

const main = fileURLToPath(new URL('tally.ts', import.meta.url))
const origin = 'log.example/audit-test'
const chainId = 'eip155:31337'

let folder: string
let chain: Chain
let contract: string
let log: Log
let at20: AnchorPart
let at300: AnchorPart
let bundle: EvidenceBundle
let evidence: string

/** Runs the command as a user does. */
async function spawnTally(...args: string[]): Promise<{ status: unknown; out: string; err: string }> {
  const child = spawn(process.execPath, [main, ...args], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  let err = ''
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
  const [status] = await once(child, 'close')
  // Whatever happens, nobody is shown a stack.
  expect(`${out}${err}`).not.toMatch(/\n\s+at /)
  return { status, out, err }
}

/** Runs the command in this process, which is faster. */
async function tally(...args: string[]): Promise<{ status: unknown; out: string; err: string }> {
  const out: string[] = []
  const err: string[] = []
  const status = await runTally(args, {
    out: (line) => out.push(`${line}\n`),
    err: (line) => err.push(`${line}\n`),
  })
  return { status, out: out.join(''), err: err.join('') }
}

async function fileOf(name: string, content: string | Uint8Array): Promise<string> {
  const file = path.join(folder, name)
  await writeFile(file, content)
  return file
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tally-'))
  chain = await startChain(['--slots-in-an-epoch', '1'])
  log = await makeLog(origin, 600)
  contract = await deployRegistry(chain, origin)
  const first = await anchorOnChain(chain, contract, log, 0, 20)
  at20 = await anchorPart(chain, contract, log, 20, first)
  const second = await anchorOnChain(chain, contract, log, 20, 300)
  at300 = await anchorPart(chain, contract, log, 300, second)
  bundle = await makeBundle(log, { index: 11, size: 300, anchors: [at20, at300] })
  evidence = await fileOf('receipt.evidence.json', JSON.stringify(bundle))
})
afterAll(async () => {
  await chain.stop()
  await rm(folder, { recursive: true })
})

describe('tally verify', () => {
  it('succeeds offline for a logged receipt, and says whom it took at their word', async () => {
    const { status, out } = await spawnTally('verify', evidence)
    expect(out).toContain('LOGGED')
    expect(out).toContain('from the bundle: shows that it hangs together, not who made it')
    expect(status).toBe(0)
  })

  it('succeeds for ANCHORED offline only with a block hash from elsewhere', async () => {
    expect((await tally('verify', evidence, '--require', 'ANCHORED')).status).toBe(1)
    const { status, out } = await tally('verify', evidence, '--block-hash', at300.block.hash)
    expect(out).toContain(`ANCHORED(${chainId})`)
    expect(status).toBe(0)
    const named = await tally('verify', evidence, '--block-hash', `eip155:1:${at300.block.hash}`)
    expect(named.status).toBe(1)
    expect((await tally('verify', evidence, '--block-hash', `0x${'12'.repeat(32)}`)).status).toBe(1)
  })

  it('asks a real chain, and the contract itself about the inclusion', async () => {
    await rpc(chain.url, 'anvil_mine', ['0x10'])
    const { status, out } = await spawnTally('verify', evidence, '--rpc', chain.url, '--require', 'finalized')
    expect(out).toContain(`FINALIZED(${chainId})`)
    expect(out).toContain('the contract accepts the inclusion proof')
    expect(out).toContain('from the node you named')
    expect(status).toBe(0)
  })

  it('works with the chain alone when the bundle has no state proof', async () => {
    const { state: _, ...bare } = at300
    const without = await makeBundle(log, { index: 11, size: 300, anchors: [bare] })
    const file = await fileOf('no-state.json', JSON.stringify(without))
    expect((await tally('verify', file, '--block-hash', at300.block.hash)).status).toBe(1)
    expect((await tally('verify', file, '--rpc', chain.url)).status).toBe(0)
  })

  it('refuses an anchor that the chain does not hold', async () => {
    const other = await deployRegistry(chain, origin)
    const mined = await anchorOnChain(chain, other, log, 0, 40)
    const part = await anchorPart(chain, other, log, 40, mined)
    const good = JSON.stringify(await makeBundle(log, { index: 11, size: 40, anchors: [part] }))
    const kept = await fileOf('reorged.json', good)
    expect((await tally('verify', kept, '--rpc', chain.url)).status).toBe(0)
    const head = await blockAt(chain.url, 'latest')
    const depth = Number(head?.number) - Number(part.block.number) + 1
    await rpc(chain.url, 'anvil_reorg', [depth, []])
    const { status, out } = await tally('verify', kept, '--rpc', chain.url)
    expect(out).toContain('INVALID')
    expect(status).toBe(1)
  })

  it('says what it could not ask of a dead or foreign node, and does not succeed', async () => {
    const dead = await tally('verify', evidence, '--rpc', 'http://127.0.0.1:9')
    expect(dead.out).toContain('cannot fetch http://127.0.0.1:9')
    expect(dead.status).toBe(1)
    const foreign = await startChain(['--chain-id', '5'])
    const { status, out } = await tally('verify', evidence, '--rpc', foreign.url)
    await foreign.stop()
    expect(out).toContain('the bundle has no anchor on eip155:5')
    expect(status).toBe(1)
  })

  it('takes a policy from a file, and --json is for machines', async () => {
    const policy = {
      jwks: log.jwks,
      logKey: log.key.verifierKey,
      contracts: [{ chain: chainId, address: contract }],
      blocks: [{ chain: chainId, hash: at300.block.hash, finalized: true }],
    }
    const file = await fileOf('policy.json', JSON.stringify(policy))
    const { status, out } = await tally(
      'verify',
      evidence,
      '--policy',
      file,
      '--require',
      'FINALIZED',
      '--json',
    )
    expect(status).toBe(0)
    expect(JSON.parse(out)).toMatchObject({
      ok: true,
      grade: `FINALIZED(${chainId})`,
      trusted: [{ source: 'policy' }, { source: 'policy' }, { source: 'policy' }, { source: 'policy' }],
    })
  })

  it('names the broken step of a tampered copy', async () => {
    const tampered = await fileOf('tampered.json', JSON.stringify({ ...bundle, receipt: log.receipts[12] }))
    const { status, out } = await spawnTally('verify', tampered)
    expect(out).toContain('INVALID')
    expect(out).toContain('the proof carries another receipt')
    expect(status).toBe(1)
  })

  it('shows no escape sequence of a hostile bundle', async () => {
    const hostile = { ...bundle, log: { ...bundle.log, origin: `${origin}\u001b[2J\u202e` } }
    const { status, out } = await tally('verify', await fileOf('escape.json', JSON.stringify(hostile)))
    // oxlint-disable-next-line no-control-regex -- an escape is what must not come out
    expect(out).not.toMatch(/[\u001b\u202e]/)
    expect(status).toBe(1)
  })

  it.each<[string, (name: string) => Promise<string> | string, RegExp]>([
    ['a missing file', () => 'no-such-file.json', /there is no such file/],
    ['a directory', () => folder, /is a directory/],
    ['an empty file', (name) => fileOf(name, ''), /is empty/],
    ['a truncated bundle', (name) => fileOf(name, JSON.stringify(bundle).slice(0, 900)), /not strict JSON/],
    ['bytes that are no text', (name) => fileOf(name, new Uint8Array([0xff, 0xfe, 0, 1])), /not UTF-8/],
    ['a byte order mark', (name) => fileOf(name, `\uFEFF${JSON.stringify(bundle)}`), /byte order mark/],
    ['a huge file', (name) => fileOf(name, 'x'.repeat(3_000_000)), /is larger than/],
    ['endless input', () => '/dev/zero', /is larger than/],
    ['deep JSON', (name) => fileOf(name, '['.repeat(100_000)), /levels/],
    ['duplicate members', (name) => fileOf(name, '{"version":1,"version":1}'), /duplicate/],
    ['other JSON', (name) => fileOf(name, '[1,2,3]'), /expected object/i],
    ['wrong types', (name) => fileOf(name, JSON.stringify({ ...bundle, anchors: 'none' })), /anchors/],
  ])('answers %s with one clear line and status 2', async (what, make, message) => {
    const file = await make(`${what.replaceAll(' ', '-')}.json`)
    for (const command of ['verify', 'inspect', 'keys']) {
      const { status, out, err } = await tally(command, file)
      expect(`${out}${err}`).not.toMatch(/\n\s+at /)
      expect(err).toMatch(message)
      expect(err.trim().split('\n')).toHaveLength(1)
      expect(out).toBe('')
      expect(status).toBe(2)
    }
  })

  it('answers bad input to the spawned command in the same way', async () => {
    expect(await spawnTally('verify', folder)).toMatchObject({ status: 2, out: '' })
    expect(await spawnTally('inspect', '/dev/zero')).toMatchObject({ status: 2, out: '' })
    expect(await spawnTally('keys')).toMatchObject({ status: 2, out: '' })
  })

  it.each([
    ['no command', []],
    ['an unknown command', ['frobnicate']],
    ['a command that objects have', ['constructor']],
    ['no file', ['verify']],
    ['two files', ['verify', 'a', 'b']],
    ['an unknown option', ['verify', 'a', '--trust-me']],
    ['an option without its value', ['verify', 'a', '--rpc']],
    ['a bad level', ['verify', 'a', '--require', 'GOOD']],
    ['a bad block hash', ['verify', 'a', '--block-hash', '0x12']],
    ['a bad URL', ['verify', 'a', '--rpc', 'file:///etc/passwd']],
    ['a bad interval', ['monitor', 'http://127.0.0.1:9', '--interval', '0']],
    ['a bad key', ['monitor', 'http://127.0.0.1:9', '--key', 'nonsense']],
  ])('answers %s with status 2', async (_, args) => {
    expect((await tally(...args)).status).toBe(2)
  })

  it('tells its usage when asked', async () => {
    expect(await spawnTally('--help')).toMatchObject({ status: 0, out: expect.stringContaining('verify') })
    expect(await spawnTally('verify', '--help')).toMatchObject({
      status: 0,
      out: expect.stringContaining('--block-hash'),
    })
  })
})

describe('tally verify --body', () => {
  it('shows the event that the receipt promises, and calls any other INVALID', async () => {
    const event = {
      kind: 'training.usage',
      event: 'evt_11',
      actor: 'acct_1',
      licenses: ['lic_1'],
      items: [`sha256:${'ab'.repeat(32)}`],
      usage: { metric: 'tokens', quantity: '150000', model_id: 'model-1' },
      data: { run: 7 },
    }
    const swapped = { ...event, event: 'evt_3', actor: 'acct_2' }
    const salt = '5a'.repeat(32)
    const promised = await makeLog(origin, 12, log.key, (index) => ({
      body: bodyDigest(Buffer.from(salt, 'hex'), index === 3 ? swapped : event),
    }))
    const bundleOf = async (index: number) =>
      fileOf(`promised-${index}.json`, JSON.stringify(await makeBundle(promised, { index, size: 12 })))
    const text = canonicalize(event)
    const run = async (index: number, body: object) =>
      tally('verify', await bundleOf(index), '--body', await fileOf('body.json', JSON.stringify(body)))
    const good = await run(11, { object: 'audit_body', event: text, salt })
    expect(good).toMatchObject({ status: 0, out: expect.stringContaining('"data":{"run":7}') })
    expect((await run(11, { id: 'aud_1', body: { event: text, salt } })).status).toBe(0)
    for (const [index, body, reason] of [
      [11, { event: text.replace('7', '8'), salt }, 'not the event that the receipt promises'],
      [11, { event: text, salt: '5b'.repeat(32) }, 'not the event that the receipt promises'],
      [3, { event: canonicalize(swapped), salt }, 'do not name the same actor'],
      [11, { event: text }, 'not an event and its salt'],
    ] as const) {
      const { status, out } = await run(index, body)
      expect([status, out]).toEqual([1, expect.stringContaining(reason)])
      expect(out).toContain('INVALID')
    }
  })
})

describe('tally inspect and tally keys', () => {
  it('shows what a bundle says without believing it', async () => {
    const { status, out } = await tally('inspect', evidence)
    expect(status).toBe(0)
    expect(out).toContain('NOT CHECKED')
    expect(out).toContain('event: evt_11')
    expect(out).toContain(`chain: ${chainId}`)
    const { out: json } = await tally('inspect', evidence, '--json')
    expect(JSON.parse(json)).toMatchObject({
      proof: { index: 11 },
      receipt: { payload: { event: 'evt_11' } },
    })
  })

  it('prints the same keys for a bundle and for the service behind it', async () => {
    const server = await serveLog(log, 300)
    server.shown.anchors = [at20]
    const fromFile = await tally('keys', evidence)
    const fromUrl = await tally('keys', server.url)
    const dead = await tally('keys', 'http://127.0.0.1:9')
    await server.stop()
    expect(fromFile.out).toContain(log.jwks.keys[0]?.kid)
    expect(fromFile.out).toContain(log.key.verifierKey)
    expect(fromFile.out).toMatch(/sha256:[0-9a-f]{64}/)
    expect(fromUrl).toEqual(fromFile)
    expect(dead.status).toBe(1)
  })

  it('prints, as JSON, a policy that can be pinned as it stands', async () => {
    const { out } = await tally('keys', evidence, '--json')
    const pinned = await fileOf('pinned.json', out)
    const { status, out: verdict } = await tally(
      'verify',
      evidence,
      '--policy',
      pinned,
      '--block-hash',
      `${chainId}:${at300.block.hash}`,
    )
    expect(verdict).not.toContain(
      'from the bundle: shows that it hangs together, not who made it)\n  log key',
    )
    expect(verdict).toContain(`contract   ${contract} on ${chainId} (from you)`)
    expect(status).toBe(0)
  })
})

describe('tally monitor', () => {
  it('follows a log that grows, and remembers it between runs', async () => {
    const server = await serveLog(log, 20)
    const state = path.join(folder, 'grows.json')
    for (const [size, growth] of [
      [20, 'first seen'],
      [257, '237 more'],
      [300, '43 more'],
      [300, '0 more'],
      [600, '300 more'],
    ] as const) {
      server.shown.size = size
      const { status, out } = await tally('monitor', server.url, '--once', '--state', state)
      expect([size, status, out]).toEqual([size, 0, expect.stringContaining(`(${growth}), consistent`)])
    }
    await server.stop()
  })

  it('tells of a log that was put back to an older state, and remembers what it had signed', async () => {
    const server = await serveLog(log, 600)
    const state = path.join(folder, 'put-back.json')
    const run = () => tally('monitor', server.url, '--once', '--state', state)
    expect((await run()).status).toBe(0)
    server.shown.size = 512
    const kept = 'the log shows a head of 512 leaves and has signed one of 600'
    expect(await run()).toMatchObject({ status: 1, err: expect.stringContaining(kept) })
    const source: Log['source'] = (level, index) => {
      if ((index + 1) * 2 ** level > 512) throw new RangeError('the restored log is shorter')
      return log.source(level, index)
    }
    server.shown.log = { ...log, source }
    const gone = 'a head of 512 leaves and no more the tree of 600 that it signed'
    expect(await run()).toMatchObject({ status: 1, err: expect.stringContaining(gone) })
    server.shown.log = log
    server.shown.size = 600
    expect(await run()).toMatchObject({ status: 0, out: expect.stringContaining('600 leaves (0 more)') })
    await server.stop()
  })

  it('ends with status 3 and both signed heads when a log shows another past', async () => {
    const evil = await makeLog(origin, 600, log.key)
    for (const [size, later] of [
      [100, 100],
      [100, 300],
      [300, 100],
      [256, 512],
    ] as const) {
      const server = await serveLog(log, size)
      const state = path.join(folder, `fork-${size}-${later}.json`)
      expect((await tally('monitor', server.url, '--once', '--state', state)).status).toBe(0)
      // A smaller head is compared with the larger tree that was seen: its tiles stay the honest ones.
      server.shown.log = later < size ? log : evil
      server.shown.size = later
      server.shown.checkpoint = await evil.checkpoint(later)
      const { status, err } = await tally('monitor', server.url, '--once', '--state', state)
      await server.stop()
      expect([size, later, status]).toEqual([size, later, 3])
      expect(err).toContain('FORK')
      const proof = JSON.parse(await readFile(state.replace('.json', '.fork-1.json'), 'utf8')) as unknown
      expect(proof).toMatchObject({
        key: log.key.verifierKey,
        checkpoints: [await log.checkpoint(size), await evil.checkpoint(later)],
      })
    }
  })

  it('does not call damaged tiles, a stranger’s signature or an outage a fork', async () => {
    const server = await serveLog(log, 20)
    const state = path.join(folder, 'damaged.json')
    const run = () => tally('monitor', server.url, '--once', '--state', state)
    expect((await run()).status).toBe(0)
    const other = await makeLog(origin, 300)
    server.shown.checkpoint = await log.checkpoint(300)
    server.shown.log = { ...other, key: log.key }
    expect(await run()).toMatchObject({ status: 1, err: expect.stringContaining('the tiles do not give') })
    server.shown.checkpoint = await other.checkpoint(300)
    expect(await run()).toMatchObject({ status: 1, err: expect.stringContaining('does not hold') })
    server.shown.checkpoint = `\uFEFF${await log.checkpoint(300)}`
    expect(await run()).toMatchObject({ status: 1, err: expect.stringContaining('does not hold') })
    await server.stop()
    expect(await run()).toMatchObject({ status: 1, err: expect.stringContaining('cannot fetch') })
    expect((await readdir(folder)).filter((name) => name.startsWith('damaged.fork'))).toEqual([])
  })

  it('compares the log with what the chain holds', async () => {
    const server = await serveLog(log, 300)
    server.shown.anchors = [at300, at20]
    const state = path.join(folder, 'anchored.json')
    const good = await spawnTally('monitor', server.url, '--once', '--state', state, '--rpc', chain.url)
    const agreed = '2 heads on chain agree, the newest of 300 leaves'
    expect(good).toMatchObject({ status: 0, out: expect.stringContaining(agreed) })
    const moved = await deployRegistry(chain, origin)
    server.shown.anchors = [{ ...at300, contract: moved }]
    const elsewhere = await tally('monitor', server.url, '--once', '--state', state, '--rpc', chain.url)
    expect(elsewhere).toMatchObject({
      status: 1,
      err: expect.stringContaining('not the contract first seen'),
    })
    server.shown.anchors = [at300, at20]
    // A newcomer is shown another history than the one that was anchored.
    const evil = await makeLog(origin, 600, log.key)
    server.shown.log = evil
    const fresh = path.join(folder, 'split-view.json')
    const split = await spawnTally('monitor', server.url, '--once', '--state', fresh, '--rpc', chain.url)
    await server.stop()
    expect(split).toMatchObject({ status: 3, err: expect.stringContaining(`${chainId} holds another root`) })
  })

  it('takes key and contracts of a policy, and no other contract that lacks the registry’s code', async () => {
    const server = await serveLog(log, 300)
    const rewritable = await deployRegistry(chain, origin)
    const code = z.string().parse(await rpc(chain.url, 'eth_getCode', [contract, 'latest']))
    await rpc(chain.url, 'anvil_setCode', [rewritable, `${code}00`])
    const other = await anchorPart(
      chain,
      rewritable,
      log,
      300,
      await anchorOnChain(chain, rewritable, log, 0, 300),
    )
    server.shown.anchors = [other]
    const run = async (name: string, policy: object) => {
      const file = await fileOf(`${name}.policy.json`, JSON.stringify(policy))
      const args = ['--policy', file, '--state', path.join(folder, `${name}.json`)]
      return tally('monitor', server.url, '--once', '--rpc', chain.url, ...args)
    }
    const logKey = log.key.verifierKey
    const unnamed = await run('unnamed', { logKey })
    expect(unnamed).toMatchObject({ status: 1, err: expect.stringContaining("is not AnchorRegistry's") })
    const named = await run('named', { logKey, contracts: [{ chain: chainId, address: rewritable }] })
    expect(named).toMatchObject({ status: 0, out: expect.stringContaining('1 head on chain agrees') })
    const elsewhere = await run('elsewhere', { contracts: [{ chain: chainId, address: contract }] })
    expect(elsewhere.err).toContain('which is not the contract that the policy names')
    expect(elsewhere.status).toBe(1)
    const stranger = await run('stranger', { logKey: generateNoteKey(origin).verifierKey })
    expect(stranger).toMatchObject({ status: 1, err: expect.stringContaining('does not hold') })
    await server.stop()
  })

  it('refuses a state file that is none, or of another log', async () => {
    const server = await serveLog(log, 20)
    const bad = await fileOf('bad-state.json', '{}')
    expect((await tally('monitor', server.url, '--once', '--state', bad)).status).toBe(2)
    const state = path.join(folder, 'one.json')
    expect((await tally('monitor', server.url, '--once', '--state', state)).status).toBe(0)
    const elsewhere = await tally('monitor', `${server.url}/other`, '--once', '--state', state)
    await server.stop()
    expect(elsewhere.status).toBe(2)
  })
})
