import { EvidenceError } from '../evidence-error.ts'
import { parsePolicy } from '../policy.ts'
import type { ParsedPolicy } from '../policy.ts'
import { CommandError } from './command.ts'
import { printable } from './printable.ts'
import { readInput } from './read-input.ts'

/** Reads a policy file, as `tally keys --json` prints one. Throws CommandError. */
export async function readPolicy(path: string): Promise<ParsedPolicy> {
  const text = await readInput(path, 1024 * 1024)
  return inputOf(() => parsePolicy(text), `${path}: `)
}

/** What the caller gave cannot be used: their line to mend. */
export function inputOf<T>(parse: () => T, prefix = ''): T {
  try {
    return parse()
  } catch (cause) {
    if (!(cause instanceof EvidenceError)) throw cause
    throw new CommandError(printable(`${prefix}${cause.message}`), undefined, { cause })
  }
}
