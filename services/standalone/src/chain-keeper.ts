import { spawn } from 'node:child_process'
import { existsSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { setTimeout as pause } from 'node:timers/promises'

/**
 * Runs anvil for as long as this process's standard input is open. When the parent dies, even by SIGKILL, the pipe
 * closes, and anvil gets the SIGTERM upon which it writes its state. The next keeper waits for that: an anvil that
 * started meanwhile would know nothing of the last blocks, and two would write over each other's state.
 */
const [port = '', stateFile = ''] = process.argv.slice(2)
const ownersFile = `${stateFile}.pid`
const copyFile = `${stateFile}.copy`
const copyEveryMs = 2000
const pollMs = 20
const endMs = 5000
let parentIsGone = false

const end = () => {
  parentIsGone = true
}
process.stdin.on('end', end).on('close', end).on('error', end).resume()
// The terminal's Ctrl-C reaches this process too: the parent decides when the chain ends.
process.on('SIGINT', () => {})
process.on('SIGTERM', end)

await previousOwnersEnd()
restoreState()
process.exit(parentIsGone ? 0 : await keep())

/** Waits for the keeper and the anvil before; an anvil whose keeper was killed is told to end. */
async function previousOwnersEnd(): Promise<void> {
  if (!existsSync(ownersFile)) return
  const [keeper = 0, anvil = 0] = readFileSync(ownersFile, 'utf8').split(' ').map(Number)
  // Twice the time that a keeper gives its anvil: what lives longer under these numbers is another program.
  for (let waited = 0; waited < 2 * endMs && (isOurs(keeper) || isOurs(anvil)); waited += pollMs) {
    if (!isOurs(keeper) && waited % 1000 === 0) process.kill(anvil, 'SIGTERM')
    await pause(pollMs)
  }
}

/** An anvil that was killed while it wrote leaves half a file, which the next one would refuse: it gets the last whole one. */
function restoreState(): void {
  if (!existsSync(stateFile) || wholeState(stateFile) !== undefined) return
  rmSync(stateFile, { force: true })
  const copy = wholeState(copyFile)
  if (copy !== undefined) writeFileSync(stateFile, copy)
}

/** Keeps a copy of the state whenever anvil has written a whole one. Gives when that was, to be told at the next call. */
function copyState(copiedMs: number): number {
  const writtenMs = statSync(stateFile, { throwIfNoEntry: false })?.mtimeMs ?? 0
  const state = writtenMs === copiedMs ? undefined : wholeState(stateFile)
  if (state === undefined) return copiedMs
  writeFileSync(`${copyFile}.new`, state)
  renameSync(`${copyFile}.new`, copyFile)
  return writtenMs
}

/** The text of a state file, or undefined when there is none or it is cut short. */
function wholeState(file: string): string | undefined {
  try {
    const text = readFileSync(file, 'utf8')
    JSON.parse(text)
    return text
  } catch {
    return undefined
  }
}

/** Resolves to anvil's exit code. */
async function keep(): Promise<number> {
  const options = ['--silent', '--host', '127.0.0.1', '--port', port, '--slots-in-an-epoch', '1']
  const state = ['--state', stateFile, '--state-interval', '1']
  const anvil = spawn(anvilBinary(), [...options, ...state], {
    stdio: ['ignore', 'ignore', 'inherit'],
    detached: true,
  })
  const { promise: ended, resolve } = Promise.withResolvers<number>()
  anvil.on('exit', (code) => resolve(code ?? 1)).on('error', () => resolve(1))
  writeFileSync(ownersFile, `${process.pid} ${anvil.pid ?? 0}`)
  const terminate = () => {
    anvil.kill('SIGTERM')
    setTimeout(() => anvil.kill('SIGKILL'), endMs).unref()
  }
  if (parentIsGone) terminate()
  process.stdin.on('end', terminate).on('close', terminate).on('error', terminate)
  process.on('SIGTERM', terminate)
  let copiedMs = 0
  const copying = setInterval(() => (copiedMs = copyState(copiedMs)), copyEveryMs)
  const code = await ended
  clearInterval(copying)
  copyState(copiedMs)
  rmSync(ownersFile, { force: true })
  return code
}

/** Whether a process of this number lives and, where the system tells, has our state file among its arguments. */
function isOurs(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false
  try {
    process.kill(pid, 0)
    return process.platform !== 'linux' || readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(stateFile)
  } catch {
    return false
  }
}

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
