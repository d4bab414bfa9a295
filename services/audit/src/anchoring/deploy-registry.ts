import { setTimeout as pause } from 'node:timers/promises'
import { chainClient, logIdOf } from '../chain.ts'
import type { ChainClient } from '../chain.ts'
import type { Kms } from '../kms/kms-client.ts'
import type { ChainConfig } from './chain-config.ts'
import { ChainError } from './chain-error.ts'
import type { TransactionReceipt } from './chain-reads.ts'
import { firstFees } from './fees.ts'

/** Where the registry is and what it cost; `tx` is absent when it was there already. */
export interface DeployedRegistry {
  contract: string
  publisher: string
  tx?: string
  gasUsed?: number
}

const pollMs = 250
const patienceMs = 300_000

/**
 * Puts an AnchorRegistry on the chain with `origin` registered for the configured account, and waits until it is mined.
 * A configured contract is used where it can be: taken as it is when the log is the account's, and told of the log when
 * nobody registered it. Throws ChainError.
 */
export async function deployRegistry(
  config: ChainConfig,
  origin: string,
  kms?: Kms,
): Promise<DeployedRegistry> {
  const chain = chainClient(config, kms)
  const sender = await chain.sender()
  const latest = await chain.latest()
  const { deployed, publisher } = await chain.registry(logIdOf(origin), 0, latest.hash)
  if (publisher === sender) return { contract: chain.contract, publisher }

  const fees = firstFees(await chain.feeMarket(latest), config.maxFeePerGas)
  if (fees === undefined) throw new ChainError('rejected', 'the chain asks for more than maxFeePerGas')
  const how = deployed && publisher === undefined ? 'register' : 'deploy'
  const gas = Math.ceil((await chain.estimateSetup(how, origin)) * 1.2)
  const { pending: nonce } = await chain.nonces(sender)
  const { hash, raw } = await chain.signSetup(how, origin, { nonce, gas, ...fees })
  await chain.sendRaw(raw)
  const receipt = await mined(chain, hash)
  const contract = how === 'deploy' ? receipt.contract : chain.contract
  if (!receipt.succeeded || contract === undefined) {
    throw new ChainError('reverted', `the transaction ${hash} reverted`)
  }
  return { contract, publisher: sender, tx: hash, gasUsed: receipt.gasUsed }
}

async function mined(chain: ChainClient, tx: string): Promise<TransactionReceipt> {
  for (let waited = 0; waited < patienceMs; waited += pollMs) {
    const receipt = await chain.receipt(tx)
    if (receipt !== undefined) return receipt
    await pause(pollMs)
  }
  throw new ChainError('unreachable', `the transaction ${tx} was not mined within ${patienceMs / 1000} s`)
}
