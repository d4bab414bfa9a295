import { pino } from 'pino'
import type { DestinationStream, Logger } from 'pino'

const secretNames = [
  'authorization',
  'cookie',
  'password',
  'secret',
  'token',
  'privateKey',
  'private_key',
  'privateJwk',
  'mnemonic',
  'apiKey',
  'salt',
]
// Nested where errors and requests are logged; deeper objects are not logged by our code.
const redacted = secretNames.flatMap((name) => [name, `*.${name}`, `*.*.${name}`])

const keyPattern = /\b(sk_(?:test|live)_[0-9A-Za-z]{4})[0-9A-Za-z]+/g
const urlPattern = /(\w+:\/\/[^\s:/@]*):[^\s@/]+@/g

/** Blanks API keys and the passwords in URLs wherever they stand in a text. */
export function redactText(text: string): string {
  return text.replace(keyPattern, '$1…').replace(urlPattern, '$1:…@')
}

/**
 * A JSON-lines logger named `name`. Fields with secret names are removed; API keys and URL passwords are cut out of the
 * finished line, so that no message, error or field can carry one.
 */
export function createLog(
  options: { name: string; level?: string },
  // Synchronous: lines are few, and the last ones before an exit are those that matter.
  destination: DestinationStream = pino.destination({ fd: 1, sync: true }),
): Logger {
  const stream = { write: (line: string) => destination.write(redactText(line)) }
  return pino(
    {
      level: options.level ?? 'info',
      base: { service: options.name },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: pino.stdSerializers.err, error: pino.stdSerializers.err },
      redact: { paths: redacted, censor: '[redacted]' },
    },
    stream,
  )
}
