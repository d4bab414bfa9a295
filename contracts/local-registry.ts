import { http, createPublicClient, createWalletClient } from 'viem'
import type { Address, Hex, TransactionReceipt } from 'viem'
import { mnemonicToAccount } from 'viem/accounts'
import { foundry } from 'viem/chains'
import { startAnvil } from './anvil.ts'
import { anchorRegistryAbi as abi, anchorRegistryBytecode as bytecode } from './index.ts'

/** The first of anvil's funded accounts. */
const publisher = mnemonicToAccount('test test test test test test test test test test test junk')

/** A registry on a local chain of its own, deployed for `origin` by `publisher`; dispose of it to end the chain. */
export type LocalRegistry = Awaited<ReturnType<typeof startLocalRegistry>>

/** Starts a chain and deploys a registry to it, with `origin` registered unless it is empty. */
export async function startLocalRegistry(origin: string) {
  const anvil = await startAnvil()
  const transport = http(anvil.url)
  const reader = createPublicClient({ chain: foundry, transport, pollingInterval: 20 })
  const wallet = createWalletClient({ account: publisher, chain: foundry, transport })

  const mined = async (hash: Hex): Promise<TransactionReceipt> => {
    const receipt = await reader.waitForTransactionReceipt({ hash })
    if (receipt.status !== 'success') throw new Error(`transaction ${hash} failed`)
    return receipt
  }
  const deploy = async (): Promise<Address> => {
    const hash = await wallet.deployContract({ abi, bytecode, args: [origin] })
    const { contractAddress } = await mined(hash)
    if (!contractAddress) throw new Error('no contract was deployed')
    return contractAddress
  }
  const address = await deploy()

  return {
    address,
    publisher: publisher.address,
    reader,
    async register(name: string): Promise<TransactionReceipt> {
      return mined(await wallet.writeContract({ address, abi, functionName: 'register', args: [name] }))
    },
    async anchor(logId: Hex, size: number, root: Hex, proof: Hex[]): Promise<TransactionReceipt> {
      const args = [logId, BigInt(size), root, proof] as const
      return mined(await wallet.writeContract({ address, abi, functionName: 'anchor', args }))
    },
    [Symbol.asyncDispose]: () => anvil[Symbol.asyncDispose](),
  }
}
