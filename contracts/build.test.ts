import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { compileAnchorRegistry } from './compile.ts'
import { anchorRegistryAbi, anchorRegistryBytecode } from './index.ts'
import { generateVectors } from './vectors/generate.ts'

const here = fileURLToPath(new URL('./', import.meta.url))
const run = promisify(execFile)

/** Runs npm's forge here and gives what it printed; a gas number that differs from snapshots/ fails it. */
async function forge(...args: string[]): Promise<string> {
  const program = createRequire(import.meta.url).resolve('@foundry-rs/forge/bin.mjs')
  const env = { ...process.env, FORGE_SNAPSHOT_CHECK: 'true', NO_COLOR: '1' }
  try {
    return (await run(process.execPath, [program, ...args], { cwd: here, env, maxBuffer: 2 ** 26 })).stdout
  } catch (cause) {
    const { stdout, stderr } = cause as { stdout?: string; stderr?: string }
    throw new Error(`forge ${args.join(' ')}\n${stdout}\n${stderr}`, { cause })
  }
}

test('the artifact is what the sources compile to (else: npm run build -w contracts)', () => {
  const compiled = compileAnchorRegistry()
  expect(anchorRegistryBytecode).toBe(compiled.bytecode)
  expect(anchorRegistryAbi).toEqual(compiled.abi)
})

test('the shared vectors are what packages/merkle makes (else: npm run vectors -w contracts)', async () => {
  const file = readFileSync(new URL('./vectors/proofs.json', import.meta.url), 'utf8')
  const committed: unknown = JSON.parse(file)
  expect(await generateVectors()).toEqual(committed)
})

// A fresh clone compiles first.
test('forge test passes (gas differs: npm run snapshot -w contracts)', { timeout: 300_000 }, async () => {
  expect(await forge('test')).toMatch(/ 0 failed/)
  const unit = ['--match-contract', 'AnchorRegistryTest', '--no-match-test', 'testFuzz']
  await forge('snapshot', ...unit, '--check')
})
