import { formatTlogProof } from '@tallystick/merkle'
import type { TlogProof } from '@tallystick/merkle'
import { formatContentHash } from '@tallystick/protocol'
import type { KeySet } from '@tallystick/receipt'
import { parseEvidence } from './evidence-bundle.ts'
import type { EvidenceBundle } from './evidence-bundle.ts'

/** One anchoring to put into a bundle. Hex may be in any case; `state` as `headerRlp` and `eth_getProof` give it. */
export interface AnchorPart {
  chain: string
  contract: string
  tx: string
  block: { number: number | bigint; hash: string }
  size: number
  root: Uint8Array
  /** RFC 6962 consistency between the checkpoint's tree and this one, from the smaller; empty for equal sizes. */
  consistency: readonly Uint8Array[]
  state?: { header: string; account: readonly string[]; storage: readonly string[] } | undefined
}

/** What a bundle is made of. Without `proof` (the receipt is not in a checkpoint yet) there are no anchors either. */
export interface EvidenceParts {
  /** Compact JWS. */
  receipt: string
  jwks: KeySet
  log: { origin: string; key: string }
  proof?: Omit<TlogProof, 'extra'> | undefined
  anchors?: readonly AnchorPart[] | undefined
}

/**
 * Puts a bundle together and checks its form, not its truth: that is `verifyEvidence`. Throws EvidenceError
 * `bad_bundle` when the parts do not make a bundle.
 */
export function buildEvidence({ receipt, jwks, log, proof, anchors = [] }: EvidenceParts): EvidenceBundle {
  const text =
    proof === undefined
      ? {}
      : { proof: formatTlogProof({ ...proof, extra: new Uint8Array(Buffer.from(receipt, 'latin1')) }) }
  return parseEvidence({ version: 1, receipt, jwks, log, ...text, anchors: anchors.map(anchorMember) })
}

function anchorMember({ chain, contract, tx, block, size, root, consistency, state }: AnchorPart) {
  return {
    chain,
    contract: contract.toLowerCase(),
    tx: tx.toLowerCase(),
    block: { number: String(block.number), hash: block.hash.toLowerCase() },
    size: String(size),
    root: formatContentHash(root),
    consistency: consistency.map((hash) => Buffer.from(hash).toString('base64')),
    ...(state === undefined ? {} : { state: stateMember(state) }),
  }
}

function stateMember({ header, account, storage }: NonNullable<AnchorPart['state']>) {
  return {
    header: header.toLowerCase(),
    account: account.map((node) => node.toLowerCase()),
    storage: storage.map((node) => node.toLowerCase()),
  }
}
