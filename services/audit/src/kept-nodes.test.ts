import { leafHash, MemoryTree, tilePath } from '@tallystick/merkle'
import { expect, test } from 'vitest'
import { keptNodes } from './kept-nodes.ts'

/** The tiles of the tree as they are stored: as wide as the tree is at the time of the read. */
function storedTiles(tree: MemoryTree) {
  const reads: string[] = []
  const readTile = (level: number, index: number, width: number) => {
    reads.push(tilePath(level, index))
    const count = Math.min(256, Math.floor(tree.size / 256 ** level) - index * 256)
    if (count < width) throw new Error('too narrow')
    return Promise.resolve(
      Buffer.concat(Array.from({ length: count }, (_, place) => tree.source(level * 8, index * 256 + place))),
    )
  }
  return { reads, readTile }
}

function grow(tree: MemoryTree, size: number): void {
  while (tree.size < size) tree.append(leafHash(Buffer.from(String(tree.size))))
}

test('gives the hash of every full subtree while the log grows', async () => {
  const tree = new MemoryTree()
  const { readTile } = storedTiles(tree)
  const source = keptNodes(readTile, 100)
  for (const size of [1, 2, 200, 255, 256, 300, 777, 70_000]) {
    grow(tree, size)
    for (let level = 0; 2 ** level <= size; level++) {
      const count = Math.floor(size / 2 ** level)
      for (const index of new Set([0, 1, count >> 1, count - 2, count - 1])) {
        if (index < 0 || index >= count) continue
        expect(await source(level, index)).toEqual(tree.source(level, index))
      }
    }
  }
})

test('reads a tile once, and again only when it must be wider', async () => {
  const tree = new MemoryTree()
  const { reads, readTile } = storedTiles(tree)
  const source = keptNodes(readTile, 100)
  grow(tree, 100)
  await source(0, 99)
  await source(6, 0)
  grow(tree, 200)
  await source(5, 2)
  expect(reads).toHaveLength(1)
  await source(7, 0)
  await source(0, 199)
  expect(reads).toHaveLength(2)
})

test('keeps no more tiles than it may', async () => {
  const tree = new MemoryTree()
  const { reads, readTile } = storedTiles(tree)
  const source = keptNodes(readTile, 2)
  grow(tree, 1024)
  for (const index of [0, 256, 512, 0]) await source(0, index)
  expect(reads).toHaveLength(4)
})

test('nobody who changes a hash changes it for others', async () => {
  const tree = new MemoryTree()
  const source = keptNodes(storedTiles(tree).readTile, 2)
  grow(tree, 4)
  for (const level of [0, 1, 2]) {
    ;(await source(level, 0)).fill(0)
    expect(await source(level, 0)).toEqual(tree.source(level, 0))
  }
})
