import { commonConfig, linkConfig, loadConfig } from '@tallystick/runtime'
import { z } from 'zod'

/** Every variable of the identity service. */
export const identityConfig = z.object({
  ...commonConfig,
})
export type IdentityConfig = z.output<typeof identityConfig>

/** What the service needs besides when it runs alone. */
export const identityLinks = z.object({
  AUDIT_URL: linkConfig.AUDIT_URL,
  SERVICE_KEY_FILE: linkConfig.SERVICE_KEY_FILE,
})

/** Reads the configuration from the environment. Throws ConfigError. */
export function readConfig(
  env: NodeJS.ProcessEnv = process.env,
): IdentityConfig & z.output<typeof identityLinks> {
  return loadConfig(identityConfig.extend(identityLinks.shape), env)
}
