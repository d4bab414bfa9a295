import { parseArgs } from 'node:util'
import type { ParseArgsConfig } from 'node:util'
import { CommandError } from './command.ts'

/** Parses a command's arguments: its options and exactly one positional argument. Throws CommandError with the usage. */
export function parseOptions<O extends NonNullable<ParseArgsConfig['options']>>(
  args: string[],
  options: O,
  usage: string,
) {
  let parsed
  try {
    parsed = parseArgs({ args, options, allowPositionals: true, strict: true })
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split('. ')[0] : 'bad arguments'
    throw new CommandError(`${reason}\nUsage: ${usage}`, undefined, { cause })
  }
  const [target] = parsed.positionals
  if (target === undefined || parsed.positionals.length !== 1) {
    throw new CommandError(`give exactly one argument\nUsage: ${usage}`)
  }
  return { target, values: parsed.values }
}

/** The address of a server without its trailing slash. Throws CommandError. */
export function parseUrl(text: string): string {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    throw new CommandError(`${text} is not an http or https address`)
  }
  return text.replace(/\/+$/, '')
}
