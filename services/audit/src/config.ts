import { readFileSync } from 'node:fs'
import { commonConfig, linkConfig, loadConfig } from '@tallystick/runtime'
import { z } from 'zod'
import { chainConfig } from './anchoring/chain-config.ts'
import type { ChainConfig } from './anchoring/chain-config.ts'

/** Every variable of the audit service. */
export const auditConfig = z.object({
  ...commonConfig,
  LOG_ORIGIN: z
    .string()
    .regex(/^[^\s+]{1,255}$/, 'must have neither spaces nor plus signs')
    .default('tallystick.local/test')
    .describe("The log's name for ever: a host and path of yours, without scheme; test and live differ"),
  AUDIT_KEY_FILE: z
    .string()
    .default('./data/audit-keys.json')
    .describe('JSON file with the log key and the receipt keys, in the clear or by a KMS'),
  CHAINS_FILE: z
    .string()
    .optional()
    .describe('JSON file with the list of chains to anchor on; without it nothing is anchored'),
  MERGE_DELAY_SECONDS: z.coerce
    .number()
    .int()
    .min(1)
    .max(86_400)
    .default(60)
    .describe('The promise in each receipt: by then it is in a published checkpoint'),
  CHECKPOINT_MS: z.coerce
    .number()
    .int()
    .min(50)
    .max(60_000)
    .default(1000)
    .describe('Pause between checkpoints of a growing log'),
  SIGNING_THREADS: z.coerce.number().int().min(1).max(64).default(2).describe('Threads that sign receipts'),
})
export type AuditConfig = z.output<typeof auditConfig>

/** What the service needs besides when it runs alone. */
export const auditLinks = z.object({ IDENTITY_URL: linkConfig.IDENTITY_URL })

/** Reads the configuration from the environment. Throws ConfigError. */
export function readConfig(
  env: NodeJS.ProcessEnv = process.env,
): AuditConfig & z.output<typeof auditLinks> & { chains: ChainConfig[] } {
  const config = loadConfig(auditConfig.extend(auditLinks.shape), env)
  return { ...config, chains: config.CHAINS_FILE === undefined ? [] : readChains(config.CHAINS_FILE) }
}

/** The chains of a configuration file. Throws for what cannot be used. */
function readChains(path: string): ChainConfig[] {
  try {
    return z.array(chainConfig).parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch (error) {
    throw new Error(`The chains file ${path} cannot be used; see "Chains" in docs/operations.md`, {
      cause: error,
    })
  }
}
