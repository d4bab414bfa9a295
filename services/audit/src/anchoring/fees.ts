/** What a transaction offers for a unit of gas (EIP-1559), in wei. */
export interface Fees {
  maxFeePerGas: bigint
  maxPriorityFeePerGas: bigint
}

/** What the chain asks for now, in wei. */
export interface FeeMarket {
  baseFee: bigint
  tip: bigint
}

/**
 * The fees of a first transaction: room for the base fee to double, up to `cap`. Undefined when the cap does not even
 * pay for the next block.
 */
export function firstFees({ baseFee, tip }: FeeMarket, cap: bigint): Fees | undefined {
  if (baseFee + tip > cap) return undefined
  return { maxFeePerGas: smaller(2n * baseFee + tip, cap), maxPriorityFeePerGas: tip }
}

/**
 * The fees of a replacement: each at least one eighth (12.5 %) above the one before, for nodes refuse less than a tenth.
 * Undefined when that is above `cap`.
 */
export function replacementFees(previous: Fees, market: FeeMarket, cap: bigint): Fees | undefined {
  const least = raised(previous.maxFeePerGas)
  if (least > cap) return undefined
  const maxFeePerGas = smaller(larger(least, 2n * market.baseFee + market.tip), cap)
  const tip = larger(raised(previous.maxPriorityFeePerGas), market.tip)
  return { maxFeePerGas, maxPriorityFeePerGas: smaller(tip, maxFeePerGas) }
}

function raised(fee: bigint): bigint {
  return (fee * 9n + 7n) / 8n
}

function smaller(a: bigint, b: bigint): bigint {
  return a < b ? a : b
}

function larger(a: bigint, b: bigint): bigint {
  return a > b ? a : b
}
