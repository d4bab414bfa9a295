import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, test } from 'vitest'

test('a SIGTERM to npm ends the server that npm started', async () => {
  const data = mkdtempSync(join(tmpdir(), 'end-with-npm-'))
  const args = ['start', '--silent', '--', '--json', '--port', '0', '--data', data]
  const npm = spawn('npm', args, { stdio: ['ignore', 'pipe', 'ignore'] })
  const ended = once(npm.stdout, 'end')
  for await (const line of createInterface({ input: npm.stdout })) if (line.startsWith('{')) break
  npm.kill('SIGTERM')
  npm.stdout.resume()
  // The server holds the other end of the pipe until it is gone.
  expect(await ended).toEqual([])
  rmSync(data, { recursive: true, force: true })
})
