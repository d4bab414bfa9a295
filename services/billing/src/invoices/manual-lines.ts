import { formatDecimal, multiplyDecimals, parseDecimal, toMajor, toMinor } from '@tallystick/money'
import type { Explanation } from '@tallystick/pricing'
import { Fault } from '@tallystick/protocol'
import type { StoredLine } from './collections.ts'
import type { LineInput } from './invoice-schemas.ts'

const most = 10n ** 15n

/**
 * Lines that somebody wrote, as an invoice keeps them: quantity × unit amount exactly, rounded once to minor units.
 * Throws Fault `validation_failed` where an amount, or the sum of all, is beyond what an invoice can hold.
 */
export function manualLines(
  inputs: readonly LineInput[],
  { currency, period, firstId }: { currency: string; period: StoredLine['period']; firstId: number },
): StoredLine[] {
  let sum = 0n
  return inputs.map((input, place) => {
    const { description, quantity, unit_amount: unit, tax_code: taxCode } = input
    const written = BigInt(input.amount ?? 0)
    const { amount, explanation } =
      unit === undefined ? explainWritten(written, currency) : explain(quantity, unit, currency)
    sum += amount
    if (beyond(amount) || beyond(sum)) {
      const pointer = `/lines/${place}/${unit === undefined ? 'amount' : 'unit_amount'}`
      throw new Fault('validation_failed', {
        errors: [{ pointer, message: `comes to more than ${most} units` }],
      })
    }
    return {
      id: `line_${firstId + place}`,
      kind: 'manual' as const,
      description,
      quantity: formatDecimal(parseDecimal(quantity)),
      amount,
      period,
      explanation: JSON.stringify(explanation),
      ...(taxCode !== undefined && { taxCode }),
    }
  })
}

/** An amount that somebody wrote down is what it is, whatever quantity stands beside it. */
function explainWritten(amount: bigint, currency: string): { amount: bigint; explanation: Explanation } {
  const exact = formatDecimal(toMajor({ amount, currency }))
  const step = {
    step: 'charge' as const,
    of: 'flat' as const,
    quantity: '1',
    unit_amount: exact,
    subtotal: exact,
  }
  const rounding = 'half_away_from_zero'
  return { amount, explanation: { currency, steps: [step], exact, rounding, amount: amount.toString() } }
}

function explain(
  quantity: string,
  unit: string,
  currency: string,
): { amount: bigint; explanation: Explanation } {
  const [count, price] = [parseDecimal(quantity), parseDecimal(unit)]
  const exact = multiplyDecimals(count, price)
  const amount = toMinor(exact, currency)
  const [units, unitAmount, subtotal] = [count, price, exact].map((value) => formatDecimal(value))
  const step = {
    step: 'charge' as const,
    of: 'units' as const,
    quantity: units ?? '',
    unit_amount: unitAmount ?? '',
    subtotal: subtotal ?? '',
  }
  return {
    amount,
    explanation: {
      currency,
      steps: [{ step: 'aggregate', quantity: step.quantity }, step],
      exact: subtotal ?? '',
      rounding: 'half_away_from_zero',
      amount: amount.toString(),
    },
  }
}

function beyond(amount: bigint): boolean {
  return amount > most || amount < -most
}
