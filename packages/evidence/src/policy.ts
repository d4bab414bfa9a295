import { noteAlgorithms, parseVerifierKey } from '@tallystick/merkle'
import { contentHash } from '@tallystick/protocol'
import { parseKeySet, parseStrictJson, StrictJsonError } from '@tallystick/receipt'
import { z } from 'zod'
import { describeIssues } from './evidence-bundle.ts'
import { EvidenceError } from './evidence-error.ts'
import { address, chainName, count, hash32 } from './wire.ts'

const anyCaseAddress = z.string().toLowerCase().pipe(address)
const anyCaseHash = z.string().toLowerCase().pipe(hash32)
const number = z.union([z.int().nonnegative(), count.transform(Number)])
const source = z.enum(['policy', 'rpc']).default('policy')

/**
 * What a verifier trusts, from elsewhere than the bundle. Whatever is left out is taken from the bundle, and the
 * verdict says so; only a block hash never is, because anyone can make up a block.
 */
export const policySchema = z.strictObject({
  /** The key set of receipts, as at `/.well-known/jwks.json`. */
  jwks: z.strictObject({ keys: z.array(z.record(z.string(), z.unknown())).max(1000) }).optional(),
  /** The log's C2SP verifier key. */
  logKey: z.string().max(512).optional(),
  /** The anchor contracts that count. When given, no other does. */
  contracts: z
    .array(z.strictObject({ chain: chainName, address: anyCaseAddress }))
    .max(100)
    .optional(),
  /** C2SP verifier keys of the witnesses whose cosignatures count. */
  witnesses: z.array(z.string().max(512)).max(100).optional(),
  /** Blocks known to be on their chain; without `chain`, the bundle's word for the chain is taken, and named. */
  blocks: z
    .array(
      z.strictObject({
        chain: chainName.optional(),
        hash: anyCaseHash,
        number: number.optional(),
        finalized: z.boolean().default(false),
        source,
      }),
    )
    .max(1000)
    .optional(),
  /** Roots that a contract is known to store for this log; `code` is the Keccak-256 of the contract's code. */
  roots: z
    .array(
      z.strictObject({
        chain: chainName,
        contract: anyCaseAddress,
        size: number,
        root: contentHash,
        code: anyCaseHash.optional(),
        finalized: z.boolean().default(false),
        source,
      }),
    )
    .max(1000)
    .optional(),
})

/** What a verifier trusts, as the caller writes it. */
export type Policy = z.input<typeof policySchema>

/** A policy with its defaults filled in. */
export type ParsedPolicy = z.output<typeof policySchema>

/** Reads a policy from JSON text, bytes or a value. Throws EvidenceError `bad_policy`. */
export function parsePolicy(input: unknown): ParsedPolicy {
  const parsed = policySchema.safeParse(readJson(input))
  if (!parsed.success) {
    throw new EvidenceError('bad_policy', describeIssues(parsed.error), { cause: parsed.error })
  }
  requireUsableKeys(parsed.data)
  return parsed.data
}

/** A key that cannot be used is the caller's mistake: found here, or every bundle would look forged. */
function requireUsableKeys({ jwks, logKey, witnesses = [] }: ParsedPolicy): void {
  try {
    if (jwks !== undefined) parseKeySet(jwks)
    if (logKey !== undefined && parseVerifierKey(logKey).algorithm !== noteAlgorithms.ed25519) {
      throw new EvidenceError('bad_policy', 'logKey: a log signs with a plain Ed25519 key')
    }
    if (witnesses.some((key) => parseVerifierKey(key).algorithm !== noteAlgorithms.cosignature)) {
      throw new EvidenceError('bad_policy', 'witnesses: a witness signs with a cosignature/v1 key')
    }
  } catch (cause) {
    if (cause instanceof EvidenceError) throw cause
    const message = cause instanceof Error ? cause.message : 'a key cannot be used'
    throw new EvidenceError('bad_policy', message, { cause })
  }
}

function readJson(input: unknown): unknown {
  if (typeof input !== 'string' && !(input instanceof Uint8Array)) return input
  try {
    return parseStrictJson(input, { maxDepth: 16 })
  } catch (cause) {
    if (!(cause instanceof StrictJsonError)) throw cause
    throw new EvidenceError('bad_policy', `not strict JSON: ${cause.message}`, { cause })
  }
}
