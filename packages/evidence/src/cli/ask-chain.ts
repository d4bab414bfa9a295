import { leafHash, parseTlogProof } from '@tallystick/merkle'
import { formatContentHash } from '@tallystick/protocol'
import { receiptEntry } from '@tallystick/receipt'
import type { Anchor, EvidenceBundle } from '../evidence-bundle.ts'
import type { Policy } from '../policy.ts'
import { codeHashOf, isIncludedOnChain, rootOf } from './registry-calls.ts'
import type { Registry } from './registry-calls.ts'
import { blockAt, chainOf, RpcError, transactionReceipt } from './rpc.ts'

/** What a node said, as facts for a policy, and remarks for a person. */
export interface ChainFacts {
  blocks: NonNullable<Policy['blocks']>
  roots: NonNullable<Policy['roots']>
  notes: string[]
  /** The contract itself denies that the receipt is included. */
  denied: boolean
}

/**
 * Asks a node about the anchors of its chain: is the block canonical and final, what does the contract store, does the
 * contract accept the inclusion proof. Throws RpcError when the node cannot be asked.
 */
export async function askChain(url: string, bundle: EvidenceBundle): Promise<ChainFacts> {
  const chain = await chainOf(url)
  const facts: ChainFacts = { blocks: [], roots: [], notes: [], denied: false }
  const anchors = bundle.anchors.filter((anchor) => anchor.chain === chain)
  if (anchors.length === 0)
    facts.notes.push(
      `the bundle has no anchor on ${chain}; evidence that is fetched after the next anchor has one`,
    )
  const finalNumber = await finalizedNumber(url, facts)
  for (const anchor of anchors) {
    const registry = { url, contract: anchor.contract, origin: bundle.log.origin }
    await askBlock(url, anchor, finalNumber, facts)
    await askRoot(registry, anchor, finalNumber !== undefined, facts)
    await askTransaction(url, anchor, facts)
    await askInclusion(registry, anchor, bundle, facts)
  }
  return facts
}

async function finalizedNumber(url: string, facts: ChainFacts): Promise<number | undefined> {
  try {
    return (await blockAt(url, 'finalized'))?.number
  } catch (error) {
    if (!(error instanceof RpcError)) throw error
    facts.notes.push(`finality is unknown: ${error.message}`)
    return undefined
  }
}

async function askBlock(url: string, anchor: Anchor, final: number | undefined, facts: ChainFacts) {
  const number = Number(anchor.block.number)
  const block = await blockAt(url, number)
  if (block === undefined) {
    facts.notes.push(`the node of ${anchor.chain} has no block ${number} yet`)
    return
  }
  // A block of another hash goes in as well: it refutes the anchor.
  const finalized = final !== undefined && number <= final
  facts.blocks.push({ chain: anchor.chain, hash: block.hash, number, finalized, source: 'rpc' })
}

async function askRoot(registry: Registry, anchor: Anchor, hasFinality: boolean, facts: ChainFacts) {
  const size = Number(anchor.size)
  const root = await rootOf(registry, size)
  const stored = formatContentHash(root)
  const finalized =
    hasFinality &&
    (await rootOf(registry, size, 'finalized').then(
      (final) => formatContentHash(final) === stored,
      () => false, // before the contract was deployed, or a node that keeps no such state
    ))
  const { chain, contract } = anchor
  const code = await codeHashOf(registry)
  facts.roots.push({ chain, contract, size, root: stored, code, finalized, source: 'rpc' })
}

/** The transaction is a pointer for people and proves nothing; a wrong one is worth a remark. */
async function askTransaction(url: string, anchor: Anchor, facts: ChainFacts) {
  const receipt = await transactionReceipt(url, anchor.tx)
  if (receipt === undefined) {
    facts.notes.push(`the node knows no transaction ${anchor.tx}`)
  } else if (receipt.blockHash !== anchor.block.hash) {
    facts.notes.push(`transaction ${anchor.tx} is in block ${receipt.blockHash}, not in the proven one`)
  }
}

/** The contract can only check a proof against a head that it holds. */
async function askInclusion(registry: Registry, anchor: Anchor, bundle: EvidenceBundle, facts: ChainFacts) {
  const { index, proof, checkpoint } = parseTlogProof(bundle.proof ?? '')
  const size = Number(anchor.size)
  if (checkpoint.split('\n')[1] !== anchor.size) return
  try {
    const leaf = leafHash(receiptEntry(bundle.receipt))
    const included = await isIncludedOnChain(registry, { index, size, leafHash: leaf, proof })
    facts.denied ||= !included
    facts.notes.push(`the contract ${included ? 'accepts' : 'DENIES'} the inclusion proof (verifyInclusion)`)
  } catch (error) {
    if (!(error instanceof RpcError)) throw error
    facts.notes.push(error.message)
  }
}
