import { BaseError, ContractFunctionRevertedError, type Hex, encodeAbiParameters, keccak256 } from 'viem'

/** Storage slot of the root anchored at `size`, as evidence proves it. */
export function rootSlot(logId: Hex, size: bigint): Hex {
  const inner = keccak256(encodeAbiParameters([{ type: 'bytes32' }, { type: 'uint256' }], [logId, 0n]))
  return keccak256(encodeAbiParameters([{ type: 'uint256' }, { type: 'bytes32' }], [size, inner]))
}

/** Storage slot of the log's publisher (low 160 bits) and head size (the 64 bits above). */
export function headSlot(logId: Hex): Hex {
  return keccak256(encodeAbiParameters([{ type: 'bytes32' }, { type: 'uint256' }], [logId, 1n]))
}

/** The name of the error that a simulated call reverts with; undefined when it passes. */
export async function revertName(call: Promise<unknown>): Promise<string | undefined> {
  try {
    await call
    return undefined
  } catch (error) {
    const reverted =
      error instanceof BaseError && error.walk((e) => e instanceof ContractFunctionRevertedError)
    if (reverted instanceof ContractFunctionRevertedError) return reverted.data?.errorName ?? 'unnamed'
    throw error
  }
}
