/** The number behind decimal digits, or undefined: no sign, no leading zeros, nothing above 2^53 − 1. */
export function fromDecimal(digits: string): number | undefined {
  if (!/^(?:0|[1-9]\d{0,15})$/.test(digits)) return undefined
  const value = Number(digits)
  return Number.isSafeInteger(value) ? value : undefined
}
