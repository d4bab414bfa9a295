import { hash } from 'node:crypto'
import { formatDecimal, isCurrency, money, toMajor } from '@tallystick/money'
import { price as priceSchema } from '@tallystick/pricing'
import type { Price, PriceInput } from '@tallystick/pricing'
import { derivedId } from '@tallystick/protocol'
import type { LicenseCharge } from '../links.ts'

/** What a license's pricing comes to as a price: how often, how many, and which metric's usage. */
export interface LicensePrice {
  name: string
  definition: Price
  quantity: number
  /** What is used, where usage is charged. */
  metric?: string
}

/** The id of the price of a license. The pricing of a license never changes, so it has one. */
export function licensePriceIdOf(tenant: string, license: string): string {
  return derivedId('price', hash('sha256', JSON.stringify(['license', tenant, license])))
}

/** The price of a license, or in words why its pricing cannot be charged by a subscription. */
export function priceOfLicense(charge: LicenseCharge): LicensePrice | string {
  const { license, pricing, currency, items } = charge
  if (!isCurrency(currency)) return `is in ${currency}, which is no currency in force`
  const about = (definition: PriceInput, more: Partial<LicensePrice> = {}): LicensePrice => ({
    name: `License ${license}`,
    definition: priceSchema.parse(definition),
    quantity: 1,
    ...more,
  })
  switch (pricing.model) {
    case 'usage': {
      const { metric, unit_price: unit_amount } = pricing
      const name = `License ${license}, ${metric}`
      return about({ model: 'per_unit', currency, unit_amount }, { name, metric })
    }
    case 'subscription': {
      const { amount, interval, seats } = pricing
      const recurring = { interval }
      if (seats === undefined) return about({ model: 'flat', currency, recurring, amount })
      const unit_amount = formatDecimal(toMajor(money(BigInt(amount), currency)))
      return about({ model: 'seat', currency, recurring, unit_amount }, { quantity: seats })
    }
    case 'per_item': {
      if (items === undefined)
        return 'is paid by the item, and names what is not registered: register it first'
      if (items === 0) return 'is paid by the item, and covers no item yet'
      return about({ model: 'per_unit', currency, unit_amount: pricing.unit_price }, { quantity: items })
    }
    case 'upfront_royalty':
      return about({ model: 'flat', currency, amount: pricing.amount })
    default:
      return `is paid by ${pricing.model}, which no subscription charges: invoice what is due by hand`
  }
}
