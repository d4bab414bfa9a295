#!/usr/bin/env node
import { realpathSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { CommandError, exitStatus } from './cli/command.ts'
import type { Command, Io } from './cli/command.ts'
import { inspectCommand } from './cli/inspect-command.ts'
import { keysCommand } from './cli/keys-command.ts'
import { monitorCommand } from './cli/monitor-command.ts'
import { printable } from './cli/printable.ts'
import { verifyCommand } from './cli/verify-command.ts'

export { CommandError, exitStatus } from './cli/command.ts'
export type { Command, Io } from './cli/command.ts'

/** The subcommands of `tally`, by name. */
export const commands: Readonly<Record<string, Command>> = {
  verify: verifyCommand,
  inspect: inspectCommand,
  monitor: monitorCommand,
  keys: keysCommand,
}

const terminal: Io = {
  out: (line) => process.stdout.write(`${line}\n`),
  err: (line) => process.stderr.write(`${line}\n`),
}

/** Runs `tally` with its arguments and gives the exit status; `table` may hold further subcommands. */
export async function tally(
  argv: readonly string[],
  io: Io = terminal,
  table: Readonly<Record<string, Command>> = commands,
): Promise<number> {
  const [name, ...args] = argv
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    io.out(helpText(table))
    return name === undefined ? exitStatus.badInput : exitStatus.ok
  }
  const command = Object.hasOwn(table, name) ? table[name] : undefined
  if (command === undefined) {
    io.err(`tally: there is no command ${printable(name)}\n${helpText(table)}`)
    return exitStatus.badInput
  }
  if (args.includes('--help') || args.includes('-h')) {
    io.out(`${command.summary}\nUsage: ${command.usage}`)
    return exitStatus.ok
  }
  try {
    return await command.run(args, io)
  } catch (error) {
    // Only what was foreseen is told in its own words; whatever else goes wrong is still one line and no success.
    const message = error instanceof Error ? error.message : 'unknown error'
    io.err(`tally ${name}: ${message}`)
    return error instanceof CommandError ? error.status : exitStatus.badInput
  }
}

function helpText(table: Readonly<Record<string, Command>>): string {
  const lines = Object.entries(table).map(([name, { summary }]) => `  ${name.padEnd(9)} ${summary}`)
  const statuses =
    'Status: 0 what was asked for holds, 1 it does not, 2 input that cannot be used, 3 a fork of the log.'
  return ['Usage: tally COMMAND …', ...lines, '`tally COMMAND --help` says more.', statuses].join('\n')
}

const started = process.argv[1]
if (started !== undefined && realpathSync(started) === fileURLToPath(import.meta.url)) {
  // A reader that has gone (`tally inspect FILE | head`) ends us quietly, and never as a success.
  process.stdout.on('error', () => process.exit(exitStatus.notVerified))
  process.exitCode = await tally(process.argv.slice(2))
}
