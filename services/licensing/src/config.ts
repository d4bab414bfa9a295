import { commonConfig, linkConfig, loadConfig } from '@tallystick/runtime'
import { z } from 'zod'

/** Every variable of the licensing service. */
export const licensingConfig = z.object({
  ...commonConfig,
})
export type LicensingConfig = z.output<typeof licensingConfig>

/** What the service needs besides when it runs alone. */
export const licensingLinks = z.object({
  ...linkConfig,
  BILLING_URL: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe(
      'Where the billing service answers: an erasure has it forget customers; without it the certificate says so',
    ),
})

/** Reads the configuration from the environment. Throws ConfigError. */
export function readConfig(
  env: NodeJS.ProcessEnv = process.env,
): LicensingConfig & z.output<typeof licensingLinks> {
  return loadConfig(licensingConfig.extend(licensingLinks.shape), env)
}
