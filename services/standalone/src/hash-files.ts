import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { pipeline } from 'node:stream/promises'

/** A file as a dataset item. */
export interface HashedFile {
  path: string
  bytes: number
  /** `sha256:` and 64 hex digits. */
  hash: string
}

const skipped = new Set(['node_modules', '.git', '.turbo', 'data', 'demo-out', 'cache', 'out'])

/** The SHA-256 of every file below `directory`, in the order of their paths; folders of tools and data are left out. */
export async function hashFiles(directory: string): Promise<HashedFile[]> {
  const entries = await readdir(directory, { withFileTypes: true, recursive: true })
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter(
      (file) =>
        !relative(directory, file)
          .split(/[\\/]/)
          .some((part) => skipped.has(part)),
    )
    .sort()
  const hashed: HashedFile[] = []
  for (const file of files) {
    const digest = createHash('sha256')
    let bytes = 0
    await pipeline(createReadStream(file), async (chunks: AsyncIterable<Buffer>) => {
      for await (const chunk of chunks) {
        bytes += chunk.byteLength
        digest.update(chunk)
      }
    })
    hashed.push({ path: relative(directory, file), bytes, hash: `sha256:${digest.digest('hex')}` })
  }
  return hashed
}
