import { z } from 'zod'

/** An ISO 4217 code in upper case, such as `USD`; whether the currency exists is checked by `@tallystick/money`. */
export const currencyCode = z
  .string()
  .regex(/^[A-Z]{3}$/, 'must be an ISO 4217 code such as USD')
  .meta({ examples: ['USD'] })

/** An amount on the wire: whole minor units (cents, yen, fils) of a currency. May be negative. */
export const moneyAmount = z.strictObject({
  amount: z.int(),
  currency: currencyCode,
})
export type MoneyAmount = z.infer<typeof moneyAmount>

/** A share or rate between 0 and 1 as an exact decimal: `"0.07"` is seven percent. */
export const rate = z
  .string()
  .regex(/^(0(\.[0-9]{1,12})?|1(\.0{1,12})?)$/, 'must be a decimal string from "0" to "1" such as "0.07"')
  .meta({ examples: ['0.07'] })
