/**
 * Declines after which Stripe itself asks the same method no more, until there is another:
 * https://docs.stripe.com/billing/revenue-recovery/smart-retries#non-retryable-decline-codes
 */
const neverRetried = [
  'authentication_required',
  'highest_risk_level',
  'incorrect_number',
  'lost_card',
  'pickup_card',
  'revocation_of_all_authorizations',
  'revocation_of_authorization',
  'stolen_card',
  'transaction_not_allowed',
] as const

/**
 * Declines of which the table of https://docs.stripe.com/declines/codes says that this card will not do: it is wrong,
 * expired, closed, blocked, restricted, stopped by its holder, or not made for this purchase or currency. That Stripe
 * asks again after some of these, in the hope of a card that its issuer has replaced, is no help to one that we keep.
 */
const useless = [
  'card_not_supported',
  'currency_not_supported',
  'do_not_try_again',
  'expired_card',
  'fraudulent',
  'invalid_account',
  'invalid_expiry_month',
  'invalid_expiry_year',
  'invalid_number',
  'merchant_blacklist',
  'new_account_information_available',
  'restricted_card',
  'stop_payment_order',
  'testmode_decline',
] as const

/** All else (funds, limits, an issuer that cannot be reached or tells no reason) may pass another day. */
const hardDeclines: ReadonlySet<string> = new Set([...neverRetried, ...useless])

/** Issuers whose reason the buyer must not learn: https://docs.stripe.com/declines/codes asks for a generic one. */
const confidential: ReadonlySet<string> = new Set([
  'fraudulent',
  'lost_card',
  'merchant_blacklist',
  'pickup_card',
  'stolen_card',
])

/** What Stripe tells of a decline, in an error or in a payment intent's last_payment_error. */
export interface Decline {
  code?: string | undefined
  decline_code?: string | undefined
  /** https://docs.stripe.com/declines/card#retrying-issuer-declines */
  advice_code?: string | undefined
  message?: string | undefined
}

/** A decline as ours. The network's advice weighs more than the issuer's reason. */
export function readDecline(decline: Decline): { code: string; hard: boolean; message: string } {
  const code = decline.decline_code ?? decline.code ?? 'card_declined'
  const hard =
    decline.advice_code === 'do_not_try_again' ||
    (decline.advice_code !== 'try_again_later' && hardDeclines.has(code))
  const told = confidential.has(code) ? undefined : decline.message
  return { code, hard, message: told ?? 'The card was declined' }
}
