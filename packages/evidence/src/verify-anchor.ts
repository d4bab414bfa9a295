import { verifyConsistency } from '@tallystick/merkle'
import { BrokenStep, step } from './broken-step.ts'
import type { Anchor } from './evidence-bundle.ts'
import { hexToBytes, sameBytes } from './hex.ts'
import type { ParsedPolicy } from './policy.ts'
import { registryCodeHash } from './registry-code.ts'
import { holdsRoot, logIdOf, rootSlot, verifyStateProof } from './state-proof.ts'
import type { ProvenSlot } from './state-proof.ts'
import type { AnchorFinding, Trusted } from './verdict.ts'
import { decodeBase64Hash, decodeContentHash } from './wire.ts'

/** What the log part of the evidence has established before anchors are looked at. */
export interface LoggedLeaf {
  origin: string
  index: number
  size: number
  root: Uint8Array
}

/**
 * Checks one anchor against the proven leaf and says what it is worth under the policy. What the anchor claims and
 * cannot be true (inconsistent trees, a state proof that fails, a block that is not on its chain) throws BrokenStep;
 * what merely nobody vouches for is a finding that does not count.
 */
export function verifyAnchor(
  anchor: Anchor,
  leaf: LoggedLeaf,
  policy: ParsedPolicy,
  name: string,
): { finding: AnchorFinding; trusted: Trusted[] } {
  requireConsistency(anchor, leaf, `${name}.consistency`)
  const proven = requireState(anchor, leaf.origin, `${name}.state`)
  requireNotRefuted(anchor, policy, `${name}.block`)
  const { status, message, trusted } = judge(anchor, leaf, policy, proven?.codeHash)
  const { chain, contract, tx, root } = anchor
  const block = { number: Number(anchor.block.number), hash: anchor.block.hash }
  const base = { chain, contract, tx, block, size: Number(anchor.size), root, status, message }
  // Anyone can make up a block, and its time: only one that is vouched for dates anything.
  const dated = proven !== undefined && (status === 'anchored' || status === 'finalized')
  return { finding: dated ? { ...base, time: proven.blockTime } : base, trusted }
}

function requireConsistency(anchor: Anchor, leaf: LoggedLeaf, name: string): void {
  const size = Number(anchor.size)
  const root = decodeContentHash(anchor.root)
  const proof = anchor.consistency.map((text) => decodeBase64Hash(text) ?? new Uint8Array(0))
  if (size === leaf.size) {
    if (!sameBytes(root, leaf.root)) {
      throw new BrokenStep(name, `the anchored root of ${size} leaves is not the checkpoint's`)
    }
    if (proof.length > 0)
      throw new BrokenStep(name, 'a tree needs no proof that it is consistent with itself')
    return
  }
  const anchored = { size, root }
  const [older, newer] = size < leaf.size ? [anchored, leaf] : [leaf, anchored]
  const consistent = step(name, () =>
    verifyConsistency({
      from: older.size,
      to: newer.size,
      fromRoot: older.root,
      toRoot: newer.root,
      proof,
    }),
  )
  if (!consistent) {
    throw new BrokenStep(
      name,
      `the trees of ${older.size} and ${newer.size} leaves are not shown to be one log`,
    )
  }
}

/** What the state proof shows, when there is one and it holds. */
function requireState(anchor: Anchor, origin: string, name: string): ProvenSlot | undefined {
  if (anchor.state === undefined) return undefined
  const { header, account, storage } = anchor.state
  const slot = step(name, () =>
    verifyStateProof(
      {
        header: hexToBytes(header),
        account: account.map(hexToBytes),
        storage: storage.map(hexToBytes),
      },
      {
        blockHash: anchor.block.hash,
        contract: hexToBytes(anchor.contract),
        slot: rootSlot(logIdOf(origin), Number(anchor.size)),
      },
    ),
  )
  if (slot.blockNumber !== Number(anchor.block.number)) {
    throw new BrokenStep(name, `the header is of block ${slot.blockNumber}, not ${anchor.block.number}`)
  }
  if (!holdsRoot(slot, decodeContentHash(anchor.root))) {
    throw new BrokenStep(name, `the contract does not store this root for ${anchor.size} leaves`)
  }
  return slot
}

/** A trusted source that names another block or root at the same place shows that the anchor's claim is false. */
function requireNotRefuted(anchor: Anchor, policy: ParsedPolicy, name: string): void {
  const number = Number(anchor.block.number)
  const other = policy.blocks?.find(
    (block) => block.chain === anchor.chain && block.number === number && block.hash !== anchor.block.hash,
  )
  if (other !== undefined) {
    throw new BrokenStep(
      name,
      `block ${number} of ${anchor.chain} is ${other.hash}, not ${anchor.block.hash}`,
    )
  }
  const misnumbered = policy.blocks?.find(
    ({ hash, number: known }) => hash === anchor.block.hash && known !== undefined && known !== number,
  )
  if (misnumbered !== undefined) {
    throw new BrokenStep(name, `block ${anchor.block.hash} has number ${misnumbered.number}, not ${number}`)
  }
  const root = policy.roots?.find((known) => isSamePlace(known, anchor) && known.root !== anchor.root)
  if (root !== undefined) {
    const stored = /[1-9a-f]/.test(root.root.slice('sha256:'.length)) ? root.root : 'nothing'
    throw new BrokenStep(name, `the contract stores ${stored} for ${anchor.size} leaves, not ${anchor.root}`)
  }
}

function judge(
  anchor: Anchor,
  leaf: LoggedLeaf,
  policy: ParsedPolicy,
  provenCode: string | undefined,
): Pick<AnchorFinding, 'status' | 'message'> & { trusted: Trusted[] } {
  // A consistent older head says nothing of leaves that came after it.
  if (leaf.index >= Number(anchor.size)) {
    const message = `the anchored tree of ${anchor.size} leaves ends before this receipt`
    return { status: 'does_not_cover', message, trusted: [] }
  }
  const place = `${anchor.contract} on ${anchor.chain}`
  const named = policy.contracts?.some(
    ({ chain, address }) => chain === anchor.chain && address === anchor.contract,
  )
  if (named === false) {
    return { status: 'other_contract', message: `the policy does not name ${place}`, trusted: [] }
  }
  // A contract that anyone may rewrite would turn a forger's word into an anchor; only a policy may vouch for other code.
  const codes = [provenCode, ...rootsOf(anchor, policy).map(({ code }) => code)]
  if (named === undefined && codes.some((code) => code !== undefined && code !== registryCodeHash)) {
    const message = `the code of ${place} is not AnchorRegistry's, and no policy names that contract`
    return { status: 'other_contract', message, trusted: [] }
  }
  const contract: Trusted = { what: 'contract', value: place, source: named ? 'policy' : 'bundle' }
  const facts = [...blockFacts(anchor, policy), ...rootFacts(anchor, policy)]
  // A source that calls the block final says more than one that only knows it.
  const fact = facts.find(({ finalized }) => finalized) ?? facts[0]
  if (fact === undefined) {
    const claim =
      anchor.state === undefined ? 'has no state proof' : `rests on block ${anchor.block.hash} alone`
    const message = `the anchor ${claim}, which nobody but the bundle vouches for; give a block hash from a source you trust, or a node of the chain`
    return { status: 'unvouched', message, trusted: [] }
  }
  const message = `the contract ${place} stores the root of ${anchor.size} leaves`
  const status = fact.finalized ? 'finalized' : 'anchored'
  return { status, message, trusted: [contract, ...fact.trusted] }
}

interface Fact {
  finalized: boolean
  trusted: Trusted[]
}

/** A known block only helps with a state proof: without one, nothing ties the root to it. */
function blockFacts(anchor: Anchor, policy: ParsedPolicy): Fact[] {
  if (anchor.state === undefined) return []
  const known = (policy.blocks ?? []).filter(
    ({ chain, hash }) => hash === anchor.block.hash && (chain === undefined || chain === anchor.chain),
  )
  return known.map(({ chain, hash, finalized, source }) => {
    const trusted: Trusted[] = [{ what: 'block hash', value: hash, source }]
    // A header does not say which chain it is of.
    if (chain === undefined) trusted.push({ what: 'chain', value: anchor.chain, source: 'bundle' })
    return { finalized, trusted }
  })
}

function rootFacts(anchor: Anchor, policy: ParsedPolicy): Fact[] {
  return rootsOf(anchor, policy).map(({ root, finalized, source }) => ({
    finalized,
    trusted: [{ what: 'root', value: root, source }],
  }))
}

function rootsOf(anchor: Anchor, policy: ParsedPolicy): NonNullable<ParsedPolicy['roots']> {
  return (policy.roots ?? []).filter((known) => isSamePlace(known, anchor) && known.root === anchor.root)
}

function isSamePlace(
  known: { chain: string; contract: string; size: number },
  anchor: Pick<Anchor, 'chain' | 'contract' | 'size'>,
): boolean {
  return (
    known.chain === anchor.chain && known.contract === anchor.contract && known.size === Number(anchor.size)
  )
}
