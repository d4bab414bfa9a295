import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { isWellFormedSecret } from './api-key-secret.ts'

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

/** The key in `SERVICE_KEY_FILE`. Throws when there is none. */
export function readServiceKey(file: string): string {
  const key = readFileSync(file, 'utf8').trim()
  // The content is a secret: it must not stand in the message.
  if (!isWellFormedSecret(key))
    throw new Error(`${file} holds no API key; see "API keys" in docs/operations.md`)
  return key
}
