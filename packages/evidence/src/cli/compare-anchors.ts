import { sameHash } from '@tallystick/merkle'
import { formatContentHash } from '@tallystick/protocol'
import { registryCodeHash } from '../registry-code.ts'
import type { SignedHead } from './observe-log.ts'
import { rootsFromTiles } from './observe-log.ts'
import type { KnownContract, ListedAnchor } from './log-client.ts'
import { codeHashOf, headOf, rootOf } from './registry-calls.ts'
import { chainOf } from './rpc.ts'

/** How the chain and the log agree. `fork` names a root on chain that the log's tree does not have. */
export interface AnchorReport {
  checked: number
  /** Leaves of the largest head on chain, 0 for none: what came later has no anchor yet. */
  anchored: number
  problems: string[]
  fork?: { chain: string; contract: string; size: number; root: string }
}

const newestCompared = 20

/**
 * Compares what the contracts hold with the log's tree and with the anchors that the service lists. What counts is the
 * chain's answer: the service's list only says where to look, and a contract that the caller did not name must have the
 * code of AnchorRegistry. Throws RpcError and FetchError.
 */
export async function compareAnchors(
  rpcUrl: string,
  log: { url: string; head: SignedHead },
  trusted: { contracts: readonly KnownContract[]; named: boolean },
  listed: readonly ListedAnchor[],
): Promise<AnchorReport> {
  const chain = await chainOf(rpcUrl)
  const report: AnchorReport = { checked: 0, anchored: 0, problems: [] }
  const here = trusted.contracts.filter((contract) => contract.chain === chain)
  if (here.length === 0) {
    report.problems.push(`${trusted.named ? 'the policy' : 'the service'} names no contract on ${chain}`)
  }
  const strange = listed.find(
    (anchor) => anchor.chain === chain && !here.some(({ address }) => address === anchor.contract),
  )
  if (strange !== undefined) {
    report.problems.push(
      `anchors are listed in ${strange.contract}, which is not the contract ${trusted.named ? 'that the policy names' : 'first seen'}`,
    )
  }
  for (const { address } of here) {
    const registry = { url: rpcUrl, contract: address, origin: log.head.origin }
    if (!trusted.named && (await codeHashOf(registry)) !== registryCodeHash) {
      report.problems.push(
        `the code of ${address} is not AnchorRegistry's, and no policy names that contract`,
      )
    }
    const onChain = await headOf(registry)
    report.anchored = Math.max(report.anchored, onChain?.size ?? 0)
    const sizes = listed.filter((anchor) => anchor.chain === chain && anchor.contract === address)
    const wanted = sizes.toSorted((a, b) => b.size - a.size).slice(0, newestCompared)
    const heads = new Map(onChain === undefined ? [] : [[onChain.size, onChain.root]])
    for (const anchor of wanted) {
      const root = await rootOf(registry, anchor.size)
      if (formatContentHash(root) === anchor.root) heads.set(anchor.size, root)
      else report.problems.push(`${chain} does not hold the root that is listed for ${anchor.size} leaves`)
    }
    for (const [size, root] of heads) {
      const same = await isInLog(log, size, root, report)
      if (same === false) {
        return { ...report, fork: { chain, contract: address, size, root: formatContentHash(root) } }
      }
      if (same) report.checked++
    }
  }
  return report
}

/** Whether the log's tree had this root at this size; undefined when that cannot be told. */
async function isInLog(
  { url, head }: { url: string; head: SignedHead },
  size: number,
  root: Uint8Array,
  report: AnchorReport,
): Promise<boolean | undefined> {
  if (size > head.size) {
    report.problems.push(`the chain holds a head of ${size} leaves, the log shows ${head.size}`)
    return undefined
  }
  const compared = await rootsFromTiles(url, size, head.size)
  if ('reason' in compared || !sameHash(compared.toRoot, head.root)) {
    report.problems.push('the tiles do not give the signed root')
    return undefined
  }
  return sameHash(compared.fromRoot, root)
}
