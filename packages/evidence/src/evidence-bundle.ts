import { contentHash } from '@tallystick/protocol'
import { parseStrictJson, StrictJsonError } from '@tallystick/receipt'
import { z } from 'zod'
import { EvidenceError } from './evidence-error.ts'
import { address, base64Hash, chainName, count, hash32, hexBytes } from './wire.ts'

/** The largest evidence bundle that is read, in bytes of JSON. */
export const maxBundleBytes = 2 * 1024 * 1024

// A trie is never deeper than its key has nibbles; a branch of 16 hashes takes 532 bytes.
const trieNodes = z.array(hexBytes(4096)).max(65)

const state = z.strictObject({ header: hexBytes(4096), account: trieNodes, storage: trieNodes })

const anchor = z.strictObject({
  chain: chainName,
  contract: address,
  tx: hash32,
  block: z.strictObject({ number: count, hash: hash32 }),
  size: count.refine((text) => text !== '0', 'an empty tree is never anchored'),
  root: contentHash,
  consistency: z.array(base64Hash).max(128),
  state: state.optional(),
})

/**
 * The evidence bundle (`.evidence.json`, version 1): a receipt and all that is needed to check, without us, who
 * signed it, that the log holds it and that a chain holds the log's head. `proof` is absent until the receipt is in
 * a published checkpoint; `state` where no node could give a proof of the contract's storage.
 */
export const evidenceBundle = z
  .strictObject({
    version: z.literal(1),
    receipt: z
      .string()
      .max(262_144)
      .regex(/^[\w.-]+$/, 'must be a compact JWS'),
    jwks: z.strictObject({ keys: z.array(z.record(z.string(), z.unknown())).max(1000) }),
    log: z.strictObject({ origin: z.string().min(1).max(255), key: z.string().max(512) }),
    proof: z.string().max(524_288).optional(),
    anchors: z.array(anchor).max(16),
  })
  .refine(({ proof, anchors }) => proof !== undefined || anchors.length === 0, {
    path: ['anchors'],
    error: 'must be empty without a proof',
  })
  .refine(({ anchors }) => new Set(anchors.map(placeOf)).size === anchors.length, {
    path: ['anchors'],
    error: 'must not name one head of one contract twice',
  })
export type EvidenceBundle = z.infer<typeof evidenceBundle>

/** One anchoring of a log's head on a chain, as in an evidence bundle. */
export type Anchor = EvidenceBundle['anchors'][number]

function placeOf({ chain, contract, size }: z.infer<typeof anchor>): string {
  return `${chain}/${contract}/${size}`
}

/** Reads a bundle from JSON text, bytes, or a value parsed before. Throws EvidenceError `bad_bundle`. */
export function parseEvidence(input: unknown): EvidenceBundle {
  const parsed = evidenceBundle.safeParse(readJson(input))
  if (!parsed.success) {
    throw new EvidenceError('bad_bundle', describeIssues(parsed.error), { cause: parsed.error })
  }
  return parsed.data
}

/** The first few complaints of a schema in one line. */
export function describeIssues(error: z.ZodError): string {
  const texts = error.issues.slice(0, 3).map(({ path, message }) => {
    const where = path.map(String).join('.').slice(0, 100)
    return where === '' ? message : `${where}: ${message}`
  })
  const more = error.issues.length - texts.length
  return `${texts.join('; ')}${more > 0 ? `; and ${more} more` : ''}`
}

function readJson(input: unknown): unknown {
  if (typeof input !== 'string' && !(input instanceof Uint8Array)) return input
  try {
    return parseStrictJson(input, { maxDepth: 16, maxBytes: maxBundleBytes })
  } catch (cause) {
    if (!(cause instanceof StrictJsonError)) throw cause
    throw new EvidenceError('bad_bundle', `not strict JSON: ${cause.message}`, { cause })
  }
}
