import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A place for the stores of one test. */
export interface TestDatabase {
  /** As in DATABASE_URL. */
  url: string
  /** Removes all that the stores held; close them first. */
  drop(): Promise<void>
}

/**
 * An empty place for a test's stores: on the server that MONGODB_URI names, when it has transactions, else a folder of
 * SQLite files. So the tests of every service run unchanged on both.
 */
export async function testDatabase(
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<TestDatabase> {
  const server = env['MONGODB_URI']
  if (server) {
    const { scratchDatabases } = await import('./mongoose/scratch-databases.ts')
    const scratch = await scratchDatabases(server)
    if (scratch) return scratch
  }
  const folder = mkdtempSync(join(tmpdir(), 'tallystick-test-'))
  return { url: `sqlite:${folder}`, drop: async () => rmSync(folder, { recursive: true, force: true }) }
}
