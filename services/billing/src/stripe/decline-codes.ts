/**
 * Declines that asking the same card again will not change. Of Stripe's codes (https://docs.stripe.com/declines/codes),
 * those whose next step is another card or the issuer's own decision for good: the card is gone, wrong, closed or
 * barred, or its holder took the permission back. All else (funds, limits, issuer not reachable, no reason told) may
 * pass another day.
 */
const hardDeclines: ReadonlySet<string> = new Set([
  'do_not_try_again',
  'expired_card',
  'fraudulent',
  'incorrect_number',
  'invalid_account',
  'invalid_expiry_month',
  'invalid_expiry_year',
  'invalid_number',
  'lost_card',
  'merchant_blacklist',
  'new_account_information_available',
  'no_action_taken',
  'not_permitted',
  'pickup_card',
  'restricted_card',
  'revocation_of_all_authorizations',
  'revocation_of_authorization',
  'service_not_allowed',
  'stolen_card',
  'stop_payment_order',
  'testmode_decline',
  'transaction_not_allowed',
  'card_not_supported',
  'currency_not_supported',
])

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
