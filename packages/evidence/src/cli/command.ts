/** Where a command writes; lines, without newline. */
export interface Io {
  out: (line: string) => void
  err: (line: string) => void
}

/** A subcommand of `tally`. `run` gives the exit status; what it throws as CommandError is told in one line. */
export interface Command {
  summary: string
  usage: string
  run: (args: string[], io: Io) => Promise<number>
}

/** Exit statuses: 0 only when what was asked for holds. */
export const exitStatus = { ok: 0, notVerified: 1, badInput: 2, fork: 3 } as const

/** Ends a command with one clear line. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
  readonly status: number

  constructor(message: string, status: number = exitStatus.badInput, options?: ErrorOptions) {
    super(message, options)
    this.status = status
  }
}
