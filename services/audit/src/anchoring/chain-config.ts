import { z } from 'zod'
import { kmsKeyName } from '../kms/kms-client.ts'

const gwei = 1_000_000_000n

/** An EVM address; kept in lower case, so that one contract has one spelling. */
export const address = z
  .string()
  .regex(/^0x[0-9a-fA-F]{40}$/, 'must be 0x and 40 hex digits')
  .transform((text): `0x${string}` => `0x${text.slice(2).toLowerCase()}`)

const privateKey = z
  .string()
  .regex(/^0x[0-9a-fA-F]{64}$/, 'must be 0x and 64 hex digits')
  .transform((text): `0x${string}` => `0x${text.slice(2).toLowerCase()}`)

const wei = z
  .union([z.bigint(), z.string().regex(/^[0-9]{1,30}$/, 'must be an integer of wei'), z.int().nonnegative()])
  .transform((value) => BigInt(value))

const timeSpan = (text: string, standard: number) => z.int().positive().default(standard).describe(text)

const fields = z.strictObject({
  id: z
    .string()
    .regex(/^eip155:[1-9][0-9]{0,14}$/, 'must be a CAIP-2 id such as eip155:11155111')
    .describe('The chain, as CAIP-2 names it'),
  rpcUrls: z
    .array(z.url({ protocol: /^https?$/ }))
    .min(1)
    .describe('JSON-RPC endpoints, the preferred one first; the next is asked when one fails'),
  contract: address.optional().describe('The AnchorRegistry; absent only before it is deployed'),
  privateKey: privateKey.optional().describe("The publisher's key"),
  kmsKey: kmsKeyName
    .optional()
    .describe("The publisher's key in AWS KMS (ECC_SECG_P256K1, SIGN_VERIFY), instead of `privateKey`"),
  confirmations: z
    .int()
    .positive()
    .optional()
    .describe(
      "Blocks, its own included, that make an anchor final; when absent the chain's `finalized` tag does",
    ),
  everyMs: timeSpan('Anchor at least this often while the log grows, in milliseconds', 600_000),
  everyEntries: timeSpan('Anchor sooner once the log grew by this many entries', 1_000_000),
  maxFeePerGas: wei
    .default(200n * gwei)
    .describe('The most to pay for a unit of gas, in wei; above it anchoring waits'),
  replaceAfterMs: timeSpan(
    'Replace a transaction that was not mined for this long, in milliseconds',
    120_000,
  ),
  pollMs: timeSpan('Pause between two looks at the chain, in milliseconds', 4000),
  timeoutMs: timeSpan('How long one RPC answer may take, in milliseconds', 10_000),
})

/** One chain to anchor on. Its publisher's key is in `privateKey` or in the KMS under `kmsKey`. */
export const chainConfig = fields.refine(
  ({ privateKey: key, kmsKey }) => key === undefined || kmsKey === undefined,
  'privateKey and kmsKey exclude each other',
)

/** A chain as configuration files spell it. */
export type ChainConfigInput = z.input<typeof chainConfig>
/** A chain with every default filled in. */
export type ChainConfig = z.output<typeof chainConfig>
