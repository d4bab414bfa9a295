import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { repository } from './service-process.ts'
import type { Environment } from './service-process.ts'

/** What is made before the first start, in the order of docs/operations.md. */
export async function makeKeys(
  folder: string,
  database: string,
  env: Environment,
): Promise<{ tenant: string; operatorKey: string }> {
  mkdirSync(join(folder, 'deploy'))
  const command = (...args: string[]) => tally(args, { ...process.env, ...env })
  const [[tenant = '', , operatorKey = '']] = await Promise.all([
    command('tenant', 'create', database, '--name', 'Market', '--platform'),
    command('log-keys', 'create', join(folder, 'deploy', 'audit-keys.json')),
  ])
  const made = await command('api-key', 'create', database, '--tenant', tenant, '--scopes', 'service')
  writeFileSync(join(folder, 'deploy', 'service-key'), `${made.at(-1)}\n`, { mode: 0o600 })
  return { tenant, operatorKey }
}

const run = promisify(execFile)

/** Runs `npm run tally -- …` and gives the lines that it printed. */
async function tally(args: readonly string[], env: NodeJS.ProcessEnv): Promise<string[]> {
  const { stdout } = await run('npm', ['run', '--silent', 'tally', '--', ...args], { cwd: repository, env })
  return stdout.trim().split('\n')
}
