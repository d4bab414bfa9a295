import { setTimeout as pause } from 'node:timers/promises'
import { chainClient, logIdOf } from '../chain.ts'
import type { ChainSigner } from '../chain.ts'
import type { ChainConfig } from './chain-config.ts'
import { ChainError } from './chain-error.ts'
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
 * When the configured contract is there and belongs to the account, it is taken as it is. Throws ChainError.
 */
export async function deployRegistry(
  config: ChainConfig,
  origin: string,
  options: { signer?: ChainSigner } = {},
): Promise<DeployedRegistry> {
  const chain = chainClient(config, options)
  const latest = await chain.latest()
  const registry = await chain.registry(logIdOf(origin), 0, latest.hash)
  if (registry.publisher === chain.sender) return { contract: chain.contract, publisher: chain.sender }

  const fees = firstFees(await chain.feeMarket(latest), config.maxFeePerGas)
  if (fees === undefined) throw new ChainError('rejected', 'the chain asks for more than maxFeePerGas')
  const gas = Math.ceil((await chain.estimateDeployment(origin)) * 1.2)
  const { pending: nonce } = await chain.nonces(chain.sender)
  const { hash, raw } = await chain.signDeployment(origin, { nonce, gas, ...fees })
  await chain.sendRaw(raw)
  return mined(chain, hash)
}

async function mined(chain: ReturnType<typeof chainClient>, tx: string): Promise<DeployedRegistry> {
  for (let waited = 0; waited < patienceMs; waited += pollMs) {
    const receipt = await chain.receipt(tx)
    if (receipt !== undefined) {
      const { succeeded, gasUsed, contract } = receipt
      if (!succeeded || contract === undefined)
        throw new ChainError('reverted', `the deployment ${tx} reverted`)
      return { contract, publisher: chain.sender, tx, gasUsed }
    }
    await pause(pollMs)
  }
  throw new ChainError('unreachable', `the deployment ${tx} was not mined within ${patienceMs / 1000} s`)
}
