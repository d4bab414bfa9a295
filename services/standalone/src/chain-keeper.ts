import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { existsSync, rmSync, statSync } from 'node:fs'

/**
 * Runs anvil for as long as this process's standard input is open. When the parent dies, even by SIGKILL, the pipe
 * closes, and anvil gets the SIGTERM upon which it writes its state.
 */
const [port = '', stateFile = ''] = process.argv.slice(2)

// An anvil that was killed while it wrote leaves an empty file, which the next one would refuse.
if (existsSync(stateFile) && statSync(stateFile).size === 0) rmSync(stateFile)

const anvil = spawn(
  anvilBinary(),
  [
    '--silent',
    '--host',
    '127.0.0.1',
    '--port',
    port,
    '--state',
    stateFile,
    '--state-interval',
    '1',
    '--slots-in-an-epoch',
    '1',
  ],
  { stdio: ['ignore', 'ignore', 'inherit'], detached: true },
)
const end = () => void anvil.kill('SIGTERM')
process.stdin.on('end', end).on('close', end).on('error', end).resume()
// The terminal's Ctrl-C reaches this process too: the parent decides when the chain ends.
process.on('SIGINT', () => {})
process.on('SIGTERM', end)
anvil.on('exit', (code) => process.exit(code ?? 0))

function anvilBinary(): string {
  const require = createRequire(import.meta.url)
  const names: Record<string, string> = {
    'linux-x64': 'linux-amd64',
    'linux-arm64': 'linux-arm64',
    'darwin-x64': 'darwin-amd64',
    'darwin-arm64': 'darwin-arm64',
    'win32-x64': 'win32-amd64',
  }
  const platform = names[`${process.platform}-${process.arch}`]
  const file = process.platform === 'win32' ? 'anvil.exe' : 'anvil'
  return require.resolve(`@foundry-rs/anvil-${platform}/bin/${file}`)
}
