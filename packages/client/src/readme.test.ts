import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { startLicensingWorld } from '../../../services/licensing/src/licensing-world.ts'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')

function fenced(language: string): string {
  const [, text] = new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 's').exec(readme) ?? []
  if (text === undefined) throw new Error(`the README has no ${language} block`)
  return text
}

test('the example of the README runs and prints what the README says', async () => {
  const world = await startLicensingWorld()
  const folder = mkdtempSync(join(tmpdir(), 'client-readme-'))
  try {
    const key = await world.keyOf({ tenant: 'acct_market' })
    symlinkSync(
      fileURLToPath(new URL('../../../node_modules', import.meta.url)),
      join(folder, 'node_modules'),
    )
    const file = join(folder, 'example.ts')
    writeFileSync(file, `const [url, key] = process.argv.slice(2)\n${fenced('ts')}`)
    const { stdout } = await promisify(execFile)(process.execPath, [file, world.url, key], { cwd: folder })
    expect(stdout).toBe(fenced('text'))
  } finally {
    rmSync(folder, { recursive: true, force: true })
    await world.close()
  }
})
