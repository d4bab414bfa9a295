import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  MemoryTree,
  appendToTiles,
  decodeEntryBundle,
  emptyRoot,
  encodeEntryBundle,
  entriesPath,
  inclusionProof,
  leafHash,
  parseTilePath,
  tilePath,
  tileSource,
  tileWidth,
  tilesFor,
  treeRoot,
  type Tile,
  type TreeHead,
} from './index.ts'

const leaf = (index: number) => leafHash(Buffer.from(`leaf ${index}`))
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => leaf(from + at))
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const code = (code: string): unknown => expect.objectContaining({ code })

/** Tiles as a log stores them: by their path, partial ones beside full ones. */
function storage() {
  const tiles = new Map<string, Uint8Array>()
  const reads: string[] = []
  const read = (level: number, index: number, width: number) => {
    const path = tilePath(level, index, width)
    reads.push(path)
    const tile = tiles.get(path)
    if (!tile) throw new Error(`no ${path}`)
    return tile
  }
  const write = (fresh: Tile[]) => {
    for (const { level, index, width, bytes } of fresh) tiles.set(tilePath(level, index, width), bytes)
  }
  return { tiles, reads, read, write }
}

describe('tile paths', () => {
  test('are those of C2SP tlog-tiles', () => {
    expect(tilePath(0, 0)).toBe('tile/0/000')
    expect(tilePath(0, 1234, 5)).toBe('tile/0/x001/234.p/5')
    expect(tilePath(2, 1_234_067)).toBe('tile/2/x001/x234/067')
    expect(entriesPath(1_234_067, 1)).toBe('tile/entries/x001/x234/067.p/1')
    expect(tilePath(63, Number.MAX_SAFE_INTEGER, 255)).toBe('tile/63/x009/x007/x199/x254/x740/991.p/255')
  })

  test('read back as what they were written from', () => {
    const index = fc.oneof(fc.nat(5000), fc.maxSafeNat())
    fc.assert(
      fc.property(fc.nat(63), index, fc.integer({ min: 1, max: 256 }), (level, index, width) => {
        expect(parseTilePath(tilePath(level, index, width))).toEqual({ level, index, width })
        expect(parseTilePath(entriesPath(index, width))).toEqual({ level: 'entries', index, width })
      }),
    )
  })

  test.each([
    '',
    'tile',
    'tile/0/',
    'tile/0/0',
    'tile/0/00',
    'tile/0/0000',
    'tile/00/000',
    'tile/64/000',
    'tile/-1/000',
    'tile/0/x000/001',
    'tile/0/001/001',
    'tile/0/x001',
    'tile/0/x001/x002',
    'tile/0/000.p/0',
    'tile/0/000.p/256',
    'tile/0/000.p/01',
    'tile/0/000.p/',
    'tile/0/000.p/1/',
    '/tile/0/000',
    'tile/0/000\n',
    'tile/0/000/',
    'tile/0/ 00',
    'tile/0/x999/x999/x999/x999/x999/999',
    'tile/entries/x000/000',
    'tile/Entries/000',
    'tile/0/../000',
    'tile/0/０００',
  ])('refuse the other spelling %j', (path) => {
    expect(() => parseTilePath(path)).toThrow(code('bad_tile_path'))
  })

  test('refuse numbers that no tile has', () => {
    for (const wrong of [NaN, -1, 0.5, 2 ** 53, 64])
      expect(() => tilePath(wrong, 0)).toThrow(code('bad_tile_path'))
    for (const wrong of [NaN, -1, 0.5, 2 ** 53])
      expect(() => tilePath(0, wrong)).toThrow(code('bad_tile_path'))
    for (const wrong of [NaN, 0, 257, 1.5]) expect(() => entriesPath(0, wrong)).toThrow(code('bad_tile_path'))
  })
})

describe('tiles', () => {
  test('of a tree of 70,000 are those that the specification counts', () => {
    const tiles = tilesFor(0, 70_000)
    const at = (level: number) => tiles.filter((tile) => tile.level === level).map(({ width }) => width)
    expect(at(0)).toHaveLength(274)
    expect(at(0).slice(-2)).toEqual([256, 112])
    expect(at(1)).toEqual([256, 17])
    expect(at(2)).toEqual([1])
    expect(tilesFor(0, 256)).toEqual([
      { level: 0, index: 0, width: 256 },
      { level: 1, index: 0, width: 1 },
    ])
    expect(tilesFor(70_000, 70_000)).toEqual([])
    expect(tilesFor(70_000, 70_001)).toEqual([{ level: 0, index: 273, width: 113 }])
    expect(tilesFor(2 ** 53 - 2, 2 ** 53 - 1)).toEqual([{ level: 0, index: 2 ** 45 - 1, width: 255 }])
    expect(tilesFor(2 ** 32 - 1, 2 ** 32).at(-1)).toEqual({ level: 4, index: 0, width: 1 })
    expect(() => tileWidth(1, 0, 255)).toThrow(code('bad_tile'))
  })

  test('that grow in steps keep the root and prove every leaf at every published size', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 5 }),
        async (steps) => {
          const store = storage()
          const tree = new MemoryTree()
          let head: TreeHead = { size: 0, root: emptyRoot() }
          for (const step of steps) {
            const added = range(head.size, head.size + step)
            added.forEach((hash) => tree.append(hash))
            const grown = await appendToTiles(head, added, store.read)
            expect(grown.tiles.map(({ level, index, width }) => ({ level, index, width }))).toEqual(
              tilesFor(head.size, grown.size),
            )
            store.write(grown.tiles)
            head = { size: grown.size, root: grown.root }
            expect(hex(head.root)).toBe(hex(tree.root))
            const source = tileSource(store.read, head.size)
            for (const index of [0, head.size - 1, Math.floor(head.size / 2), Math.min(255, head.size - 1)]) {
              const proof = await inclusionProof(index, head.size, source)
              expect(proof.map(hex)).toEqual((await inclusionProof(index, head.size, tree.source)).map(hex))
            }
          }
        },
      ),
      { numRuns: 12 },
    )
  })

  test('reach a third level', async () => {
    const store = storage()
    const leaves = range(0, 66_000)
    const first = await appendToTiles({ size: 0, root: emptyRoot() }, leaves.slice(0, 65_535), store.read)
    store.write(first.tiles)
    const second = await appendToTiles(first, leaves.slice(65_535), store.read)
    store.write(second.tiles)
    expect(second.tiles.map(({ level, index, width }) => tilePath(level, index, width))).toEqual([
      'tile/0/255',
      'tile/0/256',
      'tile/0/257.p/208',
      'tile/1/000',
      'tile/1/001.p/1',
      'tile/2/000.p/1',
    ])
    expect(hex(second.root)).toBe(hex(new MemoryTree(leaves).root))
    expect(hex(await treeRoot(66_000, tileSource(store.read, 66_000)))).toBe(hex(second.root))
  })

  test('are read once for a proof, and no more than a proof needs', async () => {
    const store = storage()
    store.write((await appendToTiles({ size: 0, root: emptyRoot() }, range(0, 600), store.read)).tiles)
    store.reads.length = 0
    await inclusionProof(3, 600, tileSource(store.read, 600))
    expect(store.reads.sort()).toEqual(['tile/0/000', 'tile/0/002.p/88', 'tile/1/000.p/2'])
  })

  test('may be fuller than asked for, never shorter', async () => {
    const store = storage()
    store.write((await appendToTiles({ size: 0, root: emptyRoot() }, range(0, 256), store.read)).tiles)
    const full = store.tiles.get('tile/0/000') ?? new Uint8Array(0)
    const root = await treeRoot(
      100,
      tileSource(() => full, 100),
    )
    expect(hex(root)).toBe(hex(new MemoryTree(range(0, 100)).root))
    const wrong = [
      full.subarray(0, 99 * 32),
      full.subarray(0, 100 * 32 + 1),
      new Uint8Array(257 * 32),
      new Uint8Array(0),
    ]
    for (const tile of wrong)
      await expect(
        treeRoot(
          100,
          tileSource(() => tile, 100),
        ),
      ).rejects.toEqual(code('bad_tile'))
  })

  test('that do not have the root of the head are not built upon', async () => {
    const store = storage()
    const head = await appendToTiles({ size: 0, root: emptyRoot() }, range(0, 5), store.read)
    store.write(head.tiles)
    store.tiles.get('tile/0/000.p/5')?.fill(1, 40, 41)
    await expect(appendToTiles(head, range(5, 6), store.read)).rejects.toEqual(code('bad_tile'))
    await expect(appendToTiles(head, [new Uint8Array(31)], store.read)).rejects.toEqual(code('bad_hash'))
  })

  test('that could not be read are asked for again', async () => {
    let failures = 1
    const leaves = Buffer.concat(range(0, 2))
    const source = tileSource(async () => {
      if (failures-- > 0) throw new Error('gone for a moment')
      return leaves
    }, 2)
    await expect(treeRoot(2, source)).rejects.toThrow('gone for a moment')
    expect(hex(await treeRoot(2, source))).toBe(hex(new MemoryTree(range(0, 2)).root))
  })
})

describe('entry bundles', () => {
  test('read back as the entries that they were made from', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 256 }),
        (entries) => {
          expect(decodeEntryBundle(encodeEntryBundle(entries)).map(hex)).toEqual(entries.map(hex))
        },
      ),
    )
  })

  test('with a broken length are refused', () => {
    const bundle = encodeEntryBundle([new Uint8Array(3), new Uint8Array(65_535)])
    for (const end of [0, 1, 4, 6, bundle.length - 1]) {
      expect(() => decodeEntryBundle(bundle.subarray(0, end))).toThrow(code('bad_bundle'))
    }
    expect(() => decodeEntryBundle(new Uint8Array(257 * 2))).toThrow(code('bad_bundle'))
    expect(() => encodeEntryBundle([])).toThrow(code('bad_bundle'))
    expect(() => encodeEntryBundle([new Uint8Array(65_536)])).toThrow(code('bad_bundle'))
  })
})
