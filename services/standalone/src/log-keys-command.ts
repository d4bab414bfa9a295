import { existsSync } from 'node:fs'
import { parseArgs } from 'node:util'
import {
  generateAuditKeys,
  kmsClient,
  kmsLogKey,
  readKeyFile,
  sealKeys,
  writeKeyFile,
} from '@tallystick/audit'
import { CommandError, exitStatus } from '@tallystick/evidence/tally'
import type { Command, Io } from '@tallystick/evidence/tally'

/** `tally log-keys`: makes the keys of a log, in the clear or sealed by a KMS, and seals those that were in the clear. */
export const logKeysCommand: Command = {
  summary: 'make the keys of a new log, or seal them by AWS KMS; a file is never replaced',
  usage:
    'tally log-keys create FILE [--seal-with KMS_KEY] [--log-key KMS_KEY]   (FILE as in AUDIT_KEY_FILE)\n' +
    '       tally log-keys seal FILE NEW_FILE --seal-with KMS_KEY',
  async run(args, io) {
    const { verb, files, sealWith, logKey } = read(args)
    const [first = '', second = ''] = files
    const kms = kmsTelling(io)
    if (verb === 'create' && files.length === 1) {
      requireFree(first)
      // A key of another kind is told of here, not when the service first starts.
      if (logKey !== undefined) await kmsLogKey(kms, logKey, 'tally')
      const keys = { ...generateAuditKeys(), ...(logKey !== undefined && { log_key: { kms_key: logKey } }) }
      writeKeyFile(first, sealWith === undefined ? keys : await sealKeys(keys, sealWith, kms))
      io.out(`${first} holds the keys of a new log. Keep a copy where only you reach it.`)
      return exitStatus.ok
    }
    if (verb === 'seal' && files.length === 2 && sealWith !== undefined && logKey === undefined) {
      requireFree(second)
      writeKeyFile(second, await sealKeys(readKeyFile(first, { create: false }), sealWith, kms))
      io.out(
        `${second} holds the keys of ${first}, sealed. Start every copy on it before you destroy ${first}.`,
      )
      return exitStatus.ok
    }
    throw misuse()
  },
}

/** The KMS, and what it says of its own when it refuses: an operator is told more than those who read anchors. */
export function kmsTelling(io: Io) {
  return kmsClient({
    onFailure: ({ operation, key, error }) => {
      if (error.cause instanceof Error) io.err(`${operation} with ${key}: ${error.cause.message}`)
    },
  })
}

function read(args: string[]) {
  try {
    const options = { 'seal-with': { type: 'string' }, 'log-key': { type: 'string' } } as const
    const { values, positionals } = parseArgs({ args, allowPositionals: true, options })
    const [verb, ...files] = positionals
    return { verb, files, sealWith: values['seal-with'], logKey: values['log-key'] }
  } catch (error) {
    throw misuse(error instanceof Error ? error.message : '')
  }
}

function requireFree(file: string): void {
  if (existsSync(file)) throw new CommandError(`${file} is there already`, exitStatus.badInput)
}

function misuse(why = 'the call is incomplete'): CommandError {
  return new CommandError(`${why}\nUsage: ${logKeysCommand.usage}`, exitStatus.badInput)
}
