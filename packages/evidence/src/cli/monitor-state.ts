import { access, rename, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { CommandError } from './command.ts'
import { readInput } from './read-input.ts'

const stateSchema = z.strictObject({
  version: z.literal(1),
  url: z.string(),
  /** The log's verifier key, pinned at first sight or by the caller. */
  key: z.string(),
  /** The largest checkpoint that was verified, as signed. */
  checkpoint: z.string(),
  /** The contracts seen at first sight, so that the service cannot point to another one later. */
  contracts: z.array(z.strictObject({ chain: z.string(), address: z.string() })),
})

/** What a monitor remembers between runs. */
export type MonitorState = z.infer<typeof stateSchema>

/** Reads the state file, or undefined when there is none yet. Throws CommandError for a file that is no state. */
export async function readState(file: string): Promise<MonitorState | undefined> {
  if (!(await exists(file))) return undefined
  const text = await readInput(file, 1024 * 1024)
  const parsed = stateSchema.safeParse(parseJson(text))
  // Starting afresh here would forget the very head that a fork shows against.
  if (!parsed.success)
    throw new CommandError(`${file} is not the state of a monitor; move it away to start afresh`)
  return parsed.data
}

/** Replaces the state file: at no moment is there half a state. */
export async function writeState(file: string, state: MonitorState): Promise<void> {
  await writeWhole(file, `${JSON.stringify(state, undefined, 2)}\n`)
}

/** Saves a proof beside the state file, never over an older proof, and gives its path. */
export async function saveProof(stateFile: string, proof: unknown): Promise<string> {
  const { dir, name } = path.parse(stateFile)
  for (let number = 1; ; number++) {
    const file = path.join(dir, `${name}.fork-${number}.json`)
    if (await exists(file)) continue
    await writeWhole(file, `${JSON.stringify(proof, undefined, 2)}\n`)
    return file
  }
}

async function writeWhole(file: string, text: string): Promise<void> {
  const temporary = `${file}.${process.pid}.tmp`
  try {
    // `flush` syncs: after a power cut the name holds the old state or the new one.
    await writeFile(temporary, text, { mode: 0o600, flush: true })
    await rename(temporary, file)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'unknown reason'
    throw new CommandError(`cannot write ${file}: ${reason}`, undefined, { cause })
  }
}

async function exists(file: string): Promise<boolean> {
  try {
    await access(file)
    return true
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ENOENT')
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
