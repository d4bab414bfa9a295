import { buildEvidence } from '../src/build-evidence.ts'
import type { AnchorPart } from '../src/build-evidence.ts'
import type { EvidenceBundle } from '../src/evidence-bundle.ts'
import { headerRlp } from '../src/header.ts'
import { bytesToHex } from '../src/hex.ts'
import { logIdOf, rootSlot } from '../src/state-proof.ts'
import { getProof, storeWord } from './chain.ts'
import type { Chain } from './chain.ts'
import type { Log, NoteKey } from './log.ts'

/** What `makeBundle` puts together: leaf `index` of the tree of `size`, and the anchors given. */
export interface BundleShape {
  index: number
  size: number
  anchors?: readonly AnchorPart[]
  witnesses?: readonly NoteKey[]
}

/** Stores the root of `size` leaves in a contract that takes whatever it is given; with the state proof. */
export async function storeHead(chain: Chain, contract: string, log: Log, size: number): Promise<AnchorPart> {
  const mined = await storeWord(chain, contract, rootSlot(logIdOf(log.origin), size), await log.root(size))
  return anchorPart(chain, contract, log, size, mined)
}

/** The anchor for a head that a transaction has stored, with its state proof from the chain. */
export async function anchorPart(
  chain: Chain,
  contract: string,
  log: Log,
  size: number,
  mined: { transactionHash: string; blockHash: string },
): Promise<AnchorPart> {
  const slot = rootSlot(logIdOf(log.origin), size)
  const { transactionHash, blockHash } = mined
  const { block, account, storage } = await getProof(chain, contract, slot, blockHash)
  return {
    chain: 'eip155:31337',
    contract,
    tx: transactionHash,
    block: { number: Number(block['number']), hash: blockHash },
    size,
    root: await log.root(size),
    consistency: [],
    state: { header: bytesToHex(headerRlp(block)), account, storage },
  }
}

/** The evidence for one receipt of the log. */
export async function makeBundle(log: Log, shape: BundleShape): Promise<EvidenceBundle> {
  const { index, size, anchors = [], witnesses = [] } = shape
  const checkpoint = await log.checkpoint(size, witnesses)
  const joined = anchors.map(async (anchor) => ({
    ...anchor,
    consistency: await log.consistency(size, anchor.size),
  }))
  return buildEvidence({
    receipt: log.receipts[index] ?? '',
    jwks: log.jwks,
    log: { origin: log.origin, key: log.key.verifierKey },
    proof: { index, proof: await log.inclusion(index, size), checkpoint },
    anchors: await Promise.all(joined),
  })
}
