import { readFileSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'

interface CompilerOutput {
  errors?: { severity: string; formattedMessage: string }[]
  contracts?: Record<
    string,
    Record<string, { abi: { type: string }[]; evm: { bytecode: { object: string } } }>
  >
}

/** Compiler settings of the published bytecode; foundry.toml repeats them. No metadata: same source, same bytes. */
const settings = {
  evmVersion: 'osaka',
  optimizer: { enabled: true, runs: 1_000_000 },
  metadata: { bytecodeHash: 'none', appendCBOR: false },
  outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object'] } },
}

/** Compiles AnchorRegistry with the pinned solc and gives ABI and creation bytecode; throws on any warning. */
export function compileAnchorRegistry(): { abi: { type: string }[]; bytecode: `0x${string}` } {
  const folder = new URL('./src/', import.meta.url)
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  const sources = Object.fromEntries(
    files
      .filter((file) => file.endsWith('.sol'))
      .map((file) => [`src/${file}`, { content: readFileSync(new URL(file, folder), 'utf8') }]),
  )
  // solc is no ES module, and its types leave out what it answers.
  const solc: { compile: (input: string) => string } = createRequire(import.meta.url)('solc')
  const output: CompilerOutput = JSON.parse(
    solc.compile(JSON.stringify({ language: 'Solidity', sources, settings })),
  )
  const complaints = output.errors?.filter(({ severity }) => severity !== 'info') ?? []
  if (complaints.length > 0) throw new Error(complaints.map((c) => c.formattedMessage).join('\n'))
  const contract = output.contracts?.['src/AnchorRegistry.sol']?.['AnchorRegistry']
  if (!contract) throw new Error('solc gave no AnchorRegistry')
  return { abi: contract.abi, bytecode: `0x${contract.evm.bytecode.object}` }
}
