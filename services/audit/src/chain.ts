import { anchorRegistryAbi as abi, anchorRegistryBytecode as bytecode } from '@tallystick/contracts'
import { headerRlp, rootSlot } from '@tallystick/evidence'
import {
  bytesToHex,
  decodeErrorResult,
  decodeFunctionResult,
  encodeDeployData,
  encodeEventTopics,
  encodeFunctionData,
  hexToBytes,
  keccak256,
  serializeTransaction,
  toBytes,
  zeroAddress,
  zeroHash,
} from 'viem'
import type { ChainConfig } from './anchoring/chain-config.ts'
import { ChainError } from './anchoring/chain-error.ts'
import { chainReads } from './anchoring/chain-reads.ts'
import type { Hex, TransactionReceipt } from './anchoring/chain-reads.ts'
import type { Fees } from './anchoring/fees.ts'
import { failoverRpc } from './anchoring/rpc.ts'
import { chainSigner } from './anchoring/sign-for-chain.ts'
import type { ChainSigner } from './anchoring/sign-for-chain.ts'
import { kmsClient } from './kms/kms-client.ts'

/** What `anchor` of the contract is called with. */
export interface AnchorCall {
  /** keccak256 of the log's origin. */
  logId: string
  size: number
  root: Uint8Array
  consistencyProof: readonly Uint8Array[]
}

/** What else a transaction says. */
export interface TransactionTerms extends Fees {
  nonce: number
  gas: number
}

/** How a log gets onto a chain: `deploy` creates a registry that knows it, `register` adds it to the one configured. */
export type Setup = 'deploy' | 'register'

/** A transaction ready to be broadcast by anyone. */
export interface SignedTransaction {
  hash: Hex
  raw: Hex
}

/** What the contract holds for one log, all of it after one block. */
export interface RegistryView {
  deployed: boolean
  /** Undefined while nobody registered the log. */
  publisher: string | undefined
  head: { size: number; root: Uint8Array }
  /** The root anchored at the size asked for. */
  root: Uint8Array | undefined
}

/** An EIP-1186 proof that the contract holds a root, as evidence bundles carry it. */
export interface StateProof {
  header: Hex
  account: Hex[]
  storage: Hex[]
}

/** A chain through its configuration: RPC with failover, the contract's calls, and transactions signed here. */
export type ChainClient = ReturnType<typeof chainClient>

/** Opens a chain; nothing is asked of it, nor of the KMS, yet. Throws for a configuration that names no key. */
export function chainClient(config: ChainConfig, kms = kmsClient()) {
  const chainId = Number(config.id.slice('eip155:'.length))
  const contract = config.contract ?? zeroAddress
  const signer = chainSigner(config, kms)
  const setupCall = (how: Setup, origin: string) =>
    how === 'deploy' ? { data: deploymentData(origin) } : { to: contract, data: registrationData(origin) }
  const rpc = failoverRpc({ chainId, urls: config.rpcUrls, timeoutMs: config.timeoutMs })
  const reads = chainReads(rpc)

  return {
    config,
    id: config.id,
    contract,
    /** The address of the account that pays, in lower case. Throws ChainError while the KMS does not tell its key. */
    sender: async () => (await signer()).address.toLowerCase(),
    health: rpc.health,
    ...reads,

    /** The log as the contract held it after a block; `size` asks for one root. */
    async registry(logId: string, size: number, blockHash: string): Promise<RegistryView> {
      const deployed = (await reads.code(contract, blockHash)) !== '0x'
      if (!deployed)
        return {
          deployed,
          publisher: undefined,
          head: { size: 0, root: new Uint8Array(32) },
          root: undefined,
        }
      const log = asHex(logId)
      const ask = (data: Hex) => reads.call(contract, data, blockHash)
      const answers = {
        publisherOf: await ask(encodeFunctionData({ abi, functionName: 'publisherOf', args: [log] })),
        head: await ask(encodeFunctionData({ abi, functionName: 'head', args: [log] })),
        rootOf: await ask(encodeFunctionData({ abi, functionName: 'rootOf', args: [log, BigInt(size)] })),
      }
      const { publisher, head, root } = viewed(contract, () => ({
        publisher: decodeFunctionResult({ abi, functionName: 'publisherOf', data: answers.publisherOf }),
        head: decodeFunctionResult({ abi, functionName: 'head', data: answers.head }),
        root: decodeFunctionResult({ abi, functionName: 'rootOf', data: answers.rootOf }),
      }))
      return {
        deployed,
        publisher: publisher === zeroAddress ? undefined : publisher.toLowerCase(),
        head: { size: Number(head[0]), root: hexToBytes(head[1]) },
        root: root === zeroHash ? undefined : hexToBytes(root),
      }
    },

    /** The gas that an anchor would use in the latest state. Throws ChainError `reverted` with the contract's reason. */
    async estimateAnchor(call: AnchorCall): Promise<number> {
      try {
        const { address } = await signer()
        return await reads.estimateGas({ from: address, to: contract, data: anchorData(call) })
      } catch (error) {
        throw withReason(error)
      }
    },

    /** Signs an anchor; sends nothing. */
    async signAnchor(call: AnchorCall, terms: TransactionTerms): Promise<SignedTransaction> {
      return signTransaction(await signer(), { chainId, to: contract, data: anchorData(call), ...terms })
    },

    /** The gas to set a log up: by a registry of its own, or in the one that is configured. */
    async estimateSetup(how: Setup, origin: string): Promise<number> {
      return reads.estimateGas({ from: (await signer()).address, ...setupCall(how, origin) })
    },

    /** Signs what sets a log up; sends nothing. */
    async signSetup(how: Setup, origin: string, terms: TransactionTerms): Promise<SignedTransaction> {
      return signTransaction(await signer(), { chainId, ...setupCall(how, origin), ...terms })
    },

    /** The transaction that anchored a size, whoever sent it; undefined where the nodes do not tell. */
    async findAnchored(
      logId: string,
      size: number,
    ): Promise<{ tx: Hex; receipt: TransactionReceipt } | undefined> {
      const topics = encodeEventTopics({
        abi,
        eventName: 'Anchored',
        args: { logId: asHex(logId), size: BigInt(size) },
      })
      const tx = (await reads.transactionsLogging(contract, topics.flat())).at(-1)
      const receipt = tx === undefined ? undefined : await reads.receipt(tx)
      return tx === undefined || receipt === undefined ? undefined : { tx, receipt }
    },
  }
}

/**
 * Proof by EIP-1186 that `contract` holds the root of (logId, size) after a block; undefined when the nodes no longer have
 * that block's state. Throws HeaderError when a node's header does not hash to `blockHash`.
 */
export async function stateProof(
  chain: Pick<ChainClient, 'rawBlock' | 'accountProof'>,
  contract: string,
  logId: string,
  size: number,
  blockHash: string,
): Promise<StateProof | undefined> {
  const block = await chain.rawBlock(blockHash)
  if (block === null) return undefined
  const slot = bytesToHex(rootSlot(hexToBytes(asHex(logId)), size))
  const proof = await chain.accountProof(contract, slot, blockHash)
  return { header: bytesToHex(headerRlp(block)), ...proof }
}

/** The contract's name for a log: keccak256 of its origin. */
export function logIdOf(origin: string): Hex {
  return keccak256(toBytes(origin))
}

/** One view of the contract. What answers with anything else is no AnchorRegistry. */
function viewed<T>(contract: string, decode: () => T): T {
  try {
    return decode()
  } catch (cause) {
    throw new ChainError('reverted', `the contract ${contract} is not an AnchorRegistry`, { cause })
  }
}

function anchorData({ logId, size, root, consistencyProof }: AnchorCall): Hex {
  const proof = consistencyProof.map((node) => bytesToHex(node))
  return encodeFunctionData({
    abi,
    functionName: 'anchor',
    args: [asHex(logId), BigInt(size), bytesToHex(root), proof],
  })
}

function deploymentData(origin: string): Hex {
  return encodeDeployData({ abi, bytecode, args: [origin] })
}

function registrationData(origin: string): Hex {
  return encodeFunctionData({ abi, functionName: 'register', args: [origin] })
}

interface Unsigned extends TransactionTerms {
  chainId: number
  to?: string
  data: Hex
}

async function signTransaction(
  signer: ChainSigner,
  { to, gas, ...rest }: Unsigned,
): Promise<SignedTransaction> {
  const target = to === undefined ? {} : { to: asHex(to) }
  const transaction = { type: 'eip1559', gas: BigInt(gas), ...target, ...rest } as const
  const digest = hexToBytes(keccak256(serializeTransaction(transaction)))
  const raw = serializeTransaction(transaction, await signer.sign(digest))
  return { raw, hash: keccak256(raw) }
}

/** Names the contract's custom error, so that people read `NotPublisher` and not four bytes. */
function withReason(error: unknown): unknown {
  if (!(error instanceof ChainError) || error.data === undefined) return error
  try {
    const { errorName } = decodeErrorResult({ abi, data: asHex(error.data) })
    return new ChainError('reverted', errorName, { data: error.data, cause: error })
  } catch {
    return error
  }
}

function asHex(text: string): Hex {
  if (!text.startsWith('0x')) throw new TypeError(`${text} is not hex`)
  return text as Hex
}
