import { formatVerifierKey, noteAlgorithms, noteKeyId, parseVerifierKey } from '@tallystick/merkle'
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { anchorPart, makeBundle, storeHead } from '../test/anchored-log.ts'
import { deployStore, startChain } from '../test/chain.ts'
import type { Chain } from '../test/chain.ts'
import { generateNoteKey, makeLog } from '../test/log.ts'
import type { Log, NoteKey } from '../test/log.ts'
import { anchorOnChain, deployRegistry } from '../test/registry.ts'
import type { AnchorPart } from './build-evidence.ts'
import { buildEvidence } from './build-evidence.ts'
import type { EvidenceBundle } from './evidence-bundle.ts'
import type { Policy } from './policy.ts'
import { levels, meetsRequirement } from './verdict.ts'
import type { Verdict } from './verdict.ts'
import { verifyEvidence } from './verify-evidence.ts'

const origin = 'log.example/audit-test'
const chainId = 'eip155:31337'
const witness = generateNoteKey('witness.example/w1', noteAlgorithms.cosignature)
const otherWitness = generateNoteKey('witness.example/w2', noteAlgorithms.cosignature)

let chain: Chain
let contract: string
let log: Log
let at20: AnchorPart
let at37: AnchorPart
let bundle: EvidenceBundle

beforeAll(async () => {
  chain = await startChain()
  log = await makeLog(origin, 50)
  contract = await deployRegistry(chain, origin)
  at20 = await anchorPart(chain, contract, log, 20, await anchorOnChain(chain, contract, log, 0, 20))
  at37 = await anchorPart(chain, contract, log, 37, await anchorOnChain(chain, contract, log, 20, 37))
  bundle = await makeBundle(log, { index: 11, size: 37, anchors: [at37], witnesses: [witness] })
})
afterAll(() => chain.stop())

/** Everything trusted comes from the policy. */
function fullPolicy(): Policy {
  return {
    jwks: log.jwks,
    logKey: log.key.verifierKey,
    contracts: [{ chain: chainId, address: contract }],
    witnesses: [witness.verifierKey, otherWitness.verifierKey],
    blocks: [{ chain: chainId, hash: at37.block.hash }],
  }
}

const rank = (verdict: Verdict) => levels.indexOf(verdict.level)

describe('the grade of honest evidence', () => {
  it('is SIGNED for a receipt that is in no checkpoint yet', async () => {
    const pending = buildEvidence({
      receipt: log.receipts[0] ?? '',
      jwks: log.jwks,
      log: { origin, key: log.key.verifierKey },
    })
    const verdict = await verifyEvidence(pending)
    expect(verdict.grade).toBe('SIGNED')
    expect(verdict.receipt?.event).toBe('evt_0')
    expect(verdict.checks.at(-1)).toMatchObject({
      ok: false,
      message: expect.stringContaining('promised one by 2026-01-18T14:23:00.000Z'),
    })
    expect(meetsRequirement(verdict, 'SIGNED')).toBe(true)
    expect(meetsRequirement(verdict, 'LOGGED')).toBe(false)
  })

  it('is LOGGED when nobody but the bundle vouches for the block', async () => {
    const verdict = await verifyEvidence(bundle)
    expect(verdict.grade).toBe('LOGGED')
    expect(verdict.anchors).toMatchObject([{ status: 'unvouched' }])
    // Whoever made up the block made up its time.
    expect(verdict.anchors[0]?.time).toBeUndefined()
    expect(verdict.log).toMatchObject({ origin, index: 11, size: 37 })
    expect(verdict.trusted).toEqual([
      { what: 'key set', value: log.jwks.keys[0]?.kid, source: 'bundle' },
      { what: 'log key', value: log.key.verifierKey, source: 'bundle' },
    ])
    expect(meetsRequirement(verdict, 'ANCHORED')).toBe(false)
  })

  it('is WITNESSED(k) by cosignatures of witnesses that the policy names', async () => {
    const verdict = await verifyEvidence(bundle, {
      witnesses: [witness.verifierKey, otherWitness.verifierKey],
    })
    expect(verdict.grade).toBe('WITNESSED(1)')
    expect(verdict.witnesses).toEqual([{ name: 'witness.example/w1', time: 1_768_746_200 }])
    expect(meetsRequirement(verdict, 'WITNESSED')).toBe(true)
    expect(meetsRequirement(verdict, 'WITNESSED(2)')).toBe(false)
    const both = await makeBundle(log, { index: 3, size: 40, witnesses: [witness, otherWitness] })
    expect((await verifyEvidence(both, fullPolicy())).grade).toBe('WITNESSED(2)')
  })

  it('is ANCHORED, offline, by a block hash from elsewhere, and names all that it trusts', async () => {
    const verdict = await verifyEvidence(JSON.stringify(bundle), fullPolicy())
    expect(verdict.grade).toBe(`ANCHORED(${chainId})`)
    expect(verdict.trusted.map(({ what, source }) => `${what} from ${source}`)).toEqual([
      'key set from policy',
      'log key from policy',
      'witness from policy',
      'contract from policy',
      'block hash from policy',
    ])
    expect(verdict.anchors[0]?.time).toBeGreaterThan(1_700_000_000)
    expect(meetsRequirement(verdict, `anchored(${chainId})`)).toBe(true)
    expect(meetsRequirement(verdict, 'ANCHORED(eip155:1)')).toBe(false)
    expect(meetsRequirement(verdict, 'FINALIZED')).toBe(false)
  })

  it('names the chain as trusted from the bundle when the block hash came without one', async () => {
    const verdict = await verifyEvidence(bundle, {
      blocks: [{ hash: at37.block.hash.toUpperCase().replace('0X', '0x') }],
    })
    expect(verdict.grade).toBe(`ANCHORED(${chainId})`)
    expect(verdict.trusted).toContainEqual({ what: 'chain', value: chainId, source: 'bundle' })
    expect(verdict.trusted).toContainEqual({ what: 'block hash', value: at37.block.hash, source: 'policy' })
    expect(verdict.trusted).toContainEqual({
      what: 'contract',
      value: `${contract} on ${chainId}`,
      source: 'bundle',
    })
  })

  it('is FINALIZED when the trusted source says that the block is final', async () => {
    const verdict = await verifyEvidence(bundle, {
      blocks: [{ chain: chainId, hash: at37.block.hash, finalized: true, source: 'rpc' }],
    })
    expect(verdict.grade).toBe(`FINALIZED(${chainId})`)
    expect(meetsRequirement(verdict, 'ANCHORED')).toBe(true)
    expect(meetsRequirement(verdict, `FINALIZED(${chainId})`)).toBe(true)
  })

  it('takes a root that a node reports when the bundle has no state proof', async () => {
    const { state: _, ...bare } = at37
    const without = await makeBundle(log, { index: 11, size: 37, anchors: [bare] })
    expect((await verifyEvidence(without, fullPolicy())).grade).toBe('LOGGED')
    const root = without.anchors[0]?.root ?? ''
    const fact = { chain: chainId, contract, size: 37, root, source: 'rpc' as const }
    const verdict = await verifyEvidence(without, { roots: [fact] })
    expect(verdict.grade).toBe(`ANCHORED(${chainId})`)
    expect(verdict.trusted).toContainEqual({ what: 'root', value: root, source: 'rpc' })
  })

  it.each([
    ['older', 44, () => at37, 11],
    ['newer', 25, () => at37, 24],
    ['much older', 50, () => at20, 19],
  ])('holds when the anchored head is %s than the checkpoint', async (_, size, anchor, index) => {
    const joined = await makeBundle(log, { index, size, anchors: [anchor()] })
    const verdict = await verifyEvidence(joined, {
      blocks: [{ chain: chainId, hash: anchor().block.hash }],
    })
    expect(verdict.grade).toBe(`ANCHORED(${chainId})`)
  })

  it('counts the anchors that hold, each by itself', async () => {
    const two = await makeBundle(log, { index: 11, size: 44, anchors: [at20, at37] })
    const verdict = await verifyEvidence(two, {
      blocks: [
        { chain: chainId, hash: at20.block.hash, finalized: true },
        { chain: chainId, hash: at37.block.hash },
      ],
    })
    expect(verdict.anchors.map(({ status }) => status)).toEqual(['finalized', 'anchored'])
    expect(verdict.grade).toBe(`FINALIZED(${chainId})`)
  })
})

describe('evidence that claims too much', () => {
  it('does not count an anchored head that is older than the receipt', async () => {
    const late = await makeBundle(log, { index: 30, size: 50, anchors: [at20] })
    const verdict = await verifyEvidence(late, { blocks: [{ chain: chainId, hash: at20.block.hash }] })
    expect(verdict.grade).toBe('LOGGED')
    expect(verdict.anchors).toMatchObject([{ status: 'does_not_cover' }])
  })

  it('does not count a contract that the policy does not name', async () => {
    const policy = { ...fullPolicy(), contracts: [{ chain: chainId, address: `0x${'12'.repeat(20)}` }] }
    const verdict = await verifyEvidence(bundle, policy)
    expect(verdict.grade).toBe('WITNESSED(1)')
    expect(verdict.anchors).toMatchObject([{ status: 'other_contract' }])
  })

  it('does not count a contract with other code than the registry unless the policy names it', async () => {
    const rewritable = await deployStore(chain)
    const stored = await storeHead(chain, rewritable, log, 37)
    const forged = await makeBundle(log, { index: 11, size: 37, anchors: [stored] })
    const blocks = [{ chain: chainId, hash: stored.block.hash }]
    expect((await verifyEvidence(forged, { blocks })).anchors).toMatchObject([{ status: 'other_contract' }])
    const { state: _, ...bare } = stored
    const without = await makeBundle(log, { index: 11, size: 37, anchors: [bare] })
    const root = { chain: chainId, contract: rewritable, size: 37, root: without.anchors[0]?.root ?? '' }
    const code = `0x${'12'.repeat(32)}`
    expect((await verifyEvidence(without, { roots: [{ ...root, code }] })).grade).toBe('LOGGED')
    const contracts = [{ chain: chainId, address: rewritable }]
    expect((await verifyEvidence(forged, { blocks, contracts })).grade).toBe(`ANCHORED(${chainId})`)
  })

  it('does not count a block of another chain than the policy says', async () => {
    const verdict = await verifyEvidence(bundle, { blocks: [{ chain: 'eip155:1', hash: at37.block.hash }] })
    expect(verdict.grade).toBe('LOGGED')
  })

  it('does not count a witness twice, nor the log for its own witness', async () => {
    const { publicKey } = parseVerifierKey(log.key.verifierKey)
    const self: NoteKey = {
      verifierKey: formatVerifierKey(origin, publicKey, noteAlgorithms.cosignature),
      signer: { ...log.key.signer, keyId: noteKeyId(origin, noteAlgorithms.cosignature, publicKey) },
    }
    const own = await makeBundle(log, { index: 3, size: 40, witnesses: [self] })
    expect((await verifyEvidence(own, { witnesses: [self.verifierKey] })).grade).toBe('LOGGED')
    const twice = { witnesses: [witness.verifierKey, witness.verifierKey] }
    expect((await verifyEvidence(bundle, twice)).grade).toBe('WITNESSED(1)')
  })

  it.each([
    [
      'another block at its height',
      (): Policy => ({
        blocks: [{ chain: chainId, number: Number(at37.block.number), hash: `0x${'99'.repeat(32)}` }],
      }),
      'anchors[0].block',
    ],
    [
      'another height of its block',
      (): Policy => ({ blocks: [{ chain: chainId, number: 5_000_000, hash: at37.block.hash }] }),
      'anchors[0].block',
    ],
    [
      'another root in the contract',
      (): Policy => ({ roots: [{ chain: chainId, contract, size: 37, root: `sha256:${'00'.repeat(32)}` }] }),
      'anchors[0].block',
    ],
    ['another key set', async (): Promise<Policy> => ({ jwks: (await makeLog(origin, 1)).jwks }), 'receipt'],
    ['another log key', (): Policy => ({ logKey: generateNoteKey(origin).verifierKey }), 'log key'],
  ])('is INVALID when a trusted source knows %s', async (_, policy, step) => {
    const verdict = await verifyEvidence(bundle, await policy())
    expect(verdict.level).toBe('INVALID')
    expect(verdict.failure?.step).toBe(step)
    expect(verdict.receipt).toBeUndefined()
  })

  it('is INVALID with parts of two honest bundles', async () => {
    const other = await makeLog(origin, 50)
    const foreign = await makeBundle(other, { index: 11, size: 37 })
    const policy = fullPolicy()
    const mixtures: [EvidenceBundle, string][] = [
      [{ ...bundle, receipt: foreign.receipt }, 'receipt'],
      [{ ...bundle, jwks: foreign.jwks, receipt: foreign.receipt }, 'proof'],
      [{ ...bundle, proof: foreign.proof }, 'proof'],
      [{ ...bundle, log: foreign.log }, 'checkpoint'],
      [{ ...foreign, anchors: bundle.anchors }, 'anchors[0].consistency'],
      [{ ...bundle, receipt: log.receipts[12] ?? '' }, 'proof'],
    ]
    for (const [mixed, step] of mixtures) {
      const verdict = await verifyEvidence(mixed, { blocks: policy.blocks })
      expect([verdict.level, verdict.failure?.step]).toEqual(['INVALID', step])
    }
  })

  it('is INVALID when the receipt was issued for another log', async () => {
    const other = await makeLog('other.example/log', 50)
    const named = await makeBundle(other, { index: 1, size: 2 })
    const verdict = await verifyEvidence({ ...named, log: bundle.log, proof: bundle.proof })
    expect(verdict.failure?.step).toBe('receipt')
  })

  it('is INVALID with a state proof that shows an empty slot', async () => {
    const [anchor] = bundle.anchors
    const elsewhere = await makeBundle(log, {
      index: 11,
      size: 38,
      anchors: [{ ...at37, size: 38, root: await log.root(38) }],
    })
    const verdict = await verifyEvidence(elsewhere, fullPolicy())
    expect(anchor?.state).toBeDefined()
    expect(verdict.level).toBe('INVALID')
    expect(verdict.failure?.step).toBe('anchors[0].state')
  })
})

describe('hostile input', () => {
  it.each([
    ['nothing', ''],
    ['half a bundle', '{"version": 1, "receipt": "ey'],
    ['a bare number', '7'],
    ['null', 'null'],
    ['another version', '{"version": 2}'],
    ['a million brackets', '['.repeat(1_000_000)],
    ['three million bytes', `"${'x'.repeat(3_000_000)}"`],
    ['a duplicate member', '{"version": 1, "version": 1}'],
    ['a prototype', '{"__proto__": {"version": 1}}'],
    ['a lone surrogate', String.raw`{"version": "\ud800"}`],
  ])('of %s is INVALID at the bundle, never an exception', async (_, text) => {
    const verdict = await verifyEvidence(text)
    expect(verdict.grade).toBe('INVALID')
    expect(verdict.failure?.step).toBe('bundle')
    expect(verdict.failure?.message.length).toBeLessThan(400)
  })

  it.each([undefined, 5, [], new Uint8Array([0xff, 0xfe]), () => 1, new Date()])(
    'as the value %s is INVALID',
    async (value) => {
      expect((await verifyEvidence(value)).failure?.step).toBe('bundle')
    },
  )

  it('of random JSON is INVALID, never an exception', async () => {
    await fc.assert(
      fc.asyncProperty(fc.json(), async (text) => {
        expect((await verifyEvidence(text)).level).toBe('INVALID')
      }),
    )
  })

  it.each([
    ['an unknown member', { trustEverything: true }],
    ['a witness that is not a cosigner', { witnesses: [generateNoteKey('plain.example').verifierKey] }],
    ['a log key that is a witness', { logKey: witness.verifierKey }],
    ['a log key that is none', { logKey: 'nonsense' }],
    ['a key set that is none', { jwks: { keys: [{ kty: 'EC' }] } }],
    ['a short block hash', { blocks: [{ hash: '0x12' }] }],
  ])('as a policy with %s is refused as the caller’s mistake', async (_, policy) => {
    await expect(verifyEvidence(bundle, policy as Policy)).rejects.toMatchObject({ code: 'bad_policy' })
  })
})

describe('a change to the evidence', () => {
  // Places that carry no claim the verdict is about: a change there changes nothing that was proven.
  const pointers = /^\/anchors\/\d+\/tx$/

  it('anywhere in a byte of the JSON text never raises the grade, and most often is INVALID', async () => {
    const text = Buffer.from(JSON.stringify(bundle))
    const policy = fullPolicy()
    const honest = rank(await verifyEvidence(text, policy))
    let same = 0
    await fc.assert(
      fc.asyncProperty(fc.nat(text.length - 1), fc.integer({ min: 1, max: 255 }), async (at, mask) => {
        const changed = new Uint8Array(text)
        changed[at] = (changed[at] ?? 0) ^ mask
        const verdict = await verifyEvidence(changed, policy)
        expect(rank(verdict)).toBeLessThanOrEqual(honest)
        // A line of a witness that no longer bears their name costs that witness and nothing else.
        if (rank(verdict) === honest && verdict.witnesses.length > 0) {
          same++
          expect(
            differences(JSON.parse(Buffer.from(changed).toString()), bundle).every(
              (path) => pointers.test(path) || path.startsWith('/jwks'),
            ),
          ).toBe(true)
        }
      }),
      { numRuns: 1500 },
    )
    expect(same).toBeLessThan(150)
  })

  it('to any one member, by change, removal or exchange, is INVALID or lower', async () => {
    const policy = { blocks: fullPolicy().blocks, witnesses: fullPolicy().witnesses }
    const honest = rank(await verifyEvidence(bundle, policy))
    expect(levels[honest]).toBe('ANCHORED')
    const survivors: string[] = []
    for (const path of paths(bundle)) {
      for (const changed of variants(bundle, path)) {
        const verdict = await verifyEvidence(changed, policy)
        expect(rank(verdict), path.join('/')).toBeLessThanOrEqual(honest)
        if (rank(verdict) === honest) survivors.push(`/${path.join('/')}`)
      }
    }
    expect(survivors.filter((path) => !pointers.test(path))).toEqual([])
  })

  it('that cuts the text anywhere is INVALID', async () => {
    const text = JSON.stringify(bundle)
    await fc.assert(
      fc.asyncProperty(fc.nat(text.length - 1), async (length) => {
        expect((await verifyEvidence(text.slice(0, length))).level).toBe('INVALID')
      }),
    )
  })
})

type Path = (string | number)[]

/** Every path to a member or element. */
function paths(value: unknown, at: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [at]
  const inner = Object.entries(value).flatMap(([name, member]) =>
    paths(member, [...at, Array.isArray(value) ? Number(name) : name]),
  )
  return at.length === 0 ? inner : [at, ...inner]
}

/** The value with one place changed in each of several ways. */
function variants(value: unknown, path: Path): unknown[] {
  const changes: ((old: unknown) => unknown)[] = [
    () => undefined,
    () => null,
    () => 0,
    () => [],
    () => ({}),
    (old) => (typeof old === 'string' ? `${old}0` : [old]),
    (old) => (typeof old === 'string' ? old.slice(0, -1) : 1.5),
    (old) => (typeof old === 'string' ? old.toUpperCase() : '1'),
    (old) => (Array.isArray(old) ? [...old, old[0]] : 'x'),
    (old) => (Array.isArray(old) ? old.slice(1) : true),
    (old) => (typeof old === 'string' ? flipDigits(old) : -1),
  ]
  return changes
    .map((change) => replaced(value, path, change))
    .filter((one) => differences(one, value).length > 0)
}

/** A likely value of the same form. */
function flipDigits(text: string): string {
  return text.replace(/[0-9a-f](?=[^0-9a-f]*$)/, (digit) => (digit === '1' ? '2' : '1'))
}

function replaced(value: unknown, [name, ...rest]: Path, change: (old: unknown) => unknown): unknown {
  if (name === undefined) return change(value)
  if (Array.isArray(value))
    return value.map((one, index) => (index === name ? replaced(one, rest, change) : one))
  const entries = Object.entries(value as Record<string, unknown>).map(([key, one]) => [
    key,
    key === name ? replaced(one, rest, change) : one,
  ])
  return Object.fromEntries(entries.filter(([, one]) => one !== undefined))
}

/** Paths where two JSON values differ. */
function differences(one: unknown, other: unknown, at = ''): string[] {
  if (Object.is(one, other)) return []
  const bothObjects = typeof one === 'object' && typeof other === 'object' && one !== null && other !== null
  if (!bothObjects || Array.isArray(one) !== Array.isArray(other)) return [at]
  const names = new Set([...Object.keys(one), ...Object.keys(other)])
  return [...names].flatMap((name) =>
    differences(
      (one as Record<string, unknown>)[name],
      (other as Record<string, unknown>)[name],
      `${at}/${name}`,
    ),
  )
}
