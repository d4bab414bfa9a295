import { readFileSync } from 'node:fs'
import { commonConfig, loadConfig } from '@tallystick/runtime'
import { z } from 'zod'

/** Every variable of the identity service. */
export const identityConfig = z.object({
  ...commonConfig,
  LEASE_SECONDS: z.coerce
    .number()
    .int()
    .min(1)
    .max(600)
    .default(15)
    .describe('How long the relay of events stands still after the copy that ran it died'),
})
export type IdentityConfig = z.output<typeof identityConfig>

/** What the service needs when it runs alone, beside others. */
export const identityLinksConfig = z.object({
  AUDIT_URL: z
    .url({ protocol: /^https?$/ })
    .default('http://localhost:8080')
    .describe('Where the audit service answers'),
  SERVICE_KEY_FILE: z
    .string()
    .default('./data/service-key')
    .describe('File with an API key of the scope `service`, by which this service calls others'),
})

/** Reads the configuration from the environment. Throws ConfigError. */
export function readConfig(
  env: NodeJS.ProcessEnv = process.env,
): IdentityConfig & { auditUrl: string; serviceKey: string } {
  const links = loadConfig(identityLinksConfig, env)
  const serviceKey = readFileSync(links.SERVICE_KEY_FILE, 'utf8').trim()
  return { ...loadConfig(identityConfig, env), auditUrl: links.AUDIT_URL, serviceKey }
}
