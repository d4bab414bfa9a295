import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'

/** What the standalone server keeps beside its databases, so that the same folder goes on where it stopped. */
export interface Saved {
  /** The test log's origin, chosen at the first start; the live log's follows from it. */
  origin: string
  test: SavedMode
  live: SavedMode
}

/** What is kept of one mode. */
export interface SavedMode {
  /** The registry on the local chain. */
  contract?: string
  /** The marketplace that was founded at the first start. */
  tenant?: string
  /**
   * The key that a newcomer is shown, in clear and of test mode only: it opens nothing beyond this machine's own
   * sandbox. Operators' keys are never kept.
   */
  sandboxKey?: string
}

const savedMode = z.object({
  contract: z.string().exactOptional(),
  tenant: z.string().exactOptional(),
  sandboxKey: z.string().exactOptional(),
})
const savedFile = z.object({ origin: z.string(), test: savedMode, live: savedMode })

/** The folder that a standalone server owns while it runs. */
export interface DataFolder {
  path(name: string): string
  read(): Saved | undefined
  write(saved: Saved): void
  release(): void
}

/** Takes the folder for this process. Throws when another standalone server uses it. */
export function openDataFolder(directory: string): DataFolder {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const path = (name: string) => join(directory, name)
  takeLock(path('standalone.pid'))
  return {
    path,
    read() {
      try {
        return savedFile.parse(JSON.parse(readFileSync(path('standalone.json'), 'utf8')))
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return undefined
        throw new Error(`${path('standalone.json')} cannot be read; remove the folder to start afresh`, {
          cause: error,
        })
      }
    },
    write(saved) {
      writeFileSync(path('standalone.json.tmp'), `${JSON.stringify(saved, null, 2)}\n`, {
        mode: 0o600,
        flush: true,
      })
      renameSync(path('standalone.json.tmp'), path('standalone.json'))
    },
    release: () => rmSync(path('standalone.pid'), { force: true }),
  }
}

function takeLock(file: string): void {
  for (;;) {
    try {
      return writeFileSync(file, String(process.pid), { flag: 'wx' })
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error
    }
    const owner = Number(readFileSync(file, 'utf8'))
    if (owner !== process.pid && isAlive(owner)) {
      throw new Error(
        `Process ${owner} runs on this data folder already; stop it, or choose another folder with --data`,
      )
    }
    rmSync(file, { force: true })
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return codeOf(error) === 'EPERM'
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}
