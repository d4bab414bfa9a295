import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { isWellFormedSecret, modeOfSecret } from './api-key-secret.ts'
import type { Mode } from './api-key-secret.ts'

const serviceUrl = z.url({ protocol: /^https?$/ })

/** The variables by which a service finds the others when each runs alone; a service spreads those that it needs. */
export const linkConfig = {
  IDENTITY_URL: serviceUrl.describe('Where the identity service answers: API keys are checked there'),
  AUDIT_URL: serviceUrl.describe('Where the audit service answers: events become receipts there'),
  SERVICE_KEY_FILE: z
    .string()
    .default('./data/service-key')
    .describe('File with an API key of the scope `service`, with which this service calls the others'),
}

/** The key in `SERVICE_KEY_FILE`, of the mode that the service runs in. Throws when there is none. */
export function readServiceKey({
  SERVICE_KEY_FILE: file,
  MODE: mode,
}: {
  SERVICE_KEY_FILE: string
  MODE: Mode
}): string {
  const advice = 'see "API keys" in docs/operations.md'
  let key: string
  try {
    key = readFileSync(file, 'utf8').trim()
  } catch (cause) {
    throw new Error(`SERVICE_KEY_FILE ${file} cannot be read; ${advice}`, { cause })
  }
  // The content is a secret: it must not stand in a message.
  if (!isWellFormedSecret(key)) throw new Error(`SERVICE_KEY_FILE ${file} holds no API key alone; ${advice}`)
  if (modeOfSecret(key) !== mode)
    throw new Error(
      `SERVICE_KEY_FILE ${file} holds a key of ${modeOfSecret(key)} mode, MODE is ${mode}; ${advice}`,
    )
  return key
}
