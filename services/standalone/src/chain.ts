import { anchorRegistryAbi } from '@tallystick/contracts'
import { leafHash, parseTlogProof, parseCheckpoint } from '@tallystick/merkle'
import type { EvidenceBundle, Policy } from '@tallystick/evidence'
import { receiptEntry } from '@tallystick/receipt'
import { createPublicClient, encodeFunctionData, http, keccak256, toBytes, toHex } from 'viem'

/** The blocks of a bundle's anchors as the chain itself knows them: what a verifier asks a node that they trust. */
export async function chainFacts(
  rpcUrl: string,
  evidence: EvidenceBundle,
): Promise<NonNullable<Policy['blocks']>> {
  const client = createPublicClient({ transport: http(rpcUrl) })
  const chain = `eip155:${await client.getChainId()}`
  const finalized = await client.getBlock({ blockTag: 'finalized' })
  const blocks: NonNullable<Policy['blocks']> = []
  for (const { block } of evidence.anchors) {
    const { hash, number } = await client.getBlock({ blockNumber: BigInt(block.number) })
    blocks.push({ chain, hash, number: Number(number), finalized: number <= finalized.number, source: 'rpc' })
  }
  return blocks
}

/** Asks the registry whether the anchored tree holds the bundle's receipt, and what a transaction for it would cost. */
export async function inclusionOnChain(
  rpcUrl: string,
  evidence: EvidenceBundle,
): Promise<{ included: boolean; gas: number }> {
  const [anchor] = evidence.anchors
  if (!anchor || evidence.proof === undefined) throw new Error('the evidence has no anchor')
  const { index, proof, checkpoint } = parseTlogProof(evidence.proof)
  const { size } = parseCheckpoint(checkpoint.slice(0, checkpoint.indexOf('\n\n') + 1))
  const client = createPublicClient({ transport: http(rpcUrl) })
  const call = {
    address: asAddress(anchor.contract),
    abi: anchorRegistryAbi,
    functionName: 'verifyInclusion',
    args: [
      keccak256(toBytes(evidence.log.origin)),
      BigInt(size),
      BigInt(index),
      toHex(leafHash(receiptEntry(evidence.receipt))),
      proof.map((hash) => toHex(hash)),
    ],
  } as const
  const included = await client.readContract(call)
  const gas = await client.estimateGas({ to: call.address, data: encodeFunctionData(call) })
  return { included, gas: Number(gas) }
}

function asAddress(text: string): `0x${string}` {
  return `0x${text.slice(2)}`
}
