import fc from 'fast-check'
import { expect, test } from 'vitest'
import { firstFees, replacementFees } from './fees.ts'

const gwei = 1_000_000_000n
const wei = fc.bigInt({ min: 0n, max: 10_000n * gwei })
const market = fc.record({ baseFee: wei, tip: wei })

test('a first transaction pays for the next block and never more than the cap', () => {
  fc.assert(
    fc.property(market, wei, (market, cap) => {
      const fees = firstFees(market, cap)
      if (fees === undefined) {
        expect(market.baseFee + market.tip).toBeGreaterThan(cap)
        return
      }
      expect(fees.maxFeePerGas).toBeLessThanOrEqual(cap)
      expect(fees.maxFeePerGas).toBeGreaterThanOrEqual(market.baseFee + market.tip)
      expect(fees.maxPriorityFeePerGas).toBeLessThanOrEqual(fees.maxFeePerGas)
    }),
  )
})

test('every replacement offers an eighth more of both fees, or none is made', () => {
  fc.assert(
    fc.property(market, market, wei, (before, now, cap) => {
      const previous = firstFees(before, cap)
      if (previous === undefined) return
      const fees = replacementFees(previous, now, cap)
      if (fees === undefined) {
        expect(previous.maxFeePerGas * 9n).toBeGreaterThan(cap * 8n)
        return
      }
      expect(fees.maxFeePerGas).toBeLessThanOrEqual(cap)
      expect(fees.maxFeePerGas * 8n).toBeGreaterThanOrEqual(previous.maxFeePerGas * 9n)
      expect(fees.maxPriorityFeePerGas * 8n).toBeGreaterThanOrEqual(previous.maxPriorityFeePerGas * 9n)
      expect(fees.maxPriorityFeePerGas).toBeLessThanOrEqual(fees.maxFeePerGas)
    }),
  )
})
