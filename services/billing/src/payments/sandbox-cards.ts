import { Fault } from '@tallystick/protocol'

/** What a test card does. */
export interface Card {
  number: string
  brand: string
  outcome: 'succeeded' | 'requires_action' | 'declined'
  code?: string
  hard?: boolean
  /** The first request of each of these deeds is lost on its way, or its answer is. */
  lost?: { what: 'request' | 'answer'; of: 'authorize' | 'all' }
  /** Answers so late. */
  delayMs?: number
}

const succeeds = { brand: 'visa', outcome: 'succeeded' as const }
const declines = { brand: 'visa', outcome: 'declined' as const, hard: false }

/** The test cards, by number. The first three are those that everybody's documentation names. */
const cards: Readonly<Record<string, Omit<Card, 'number'>>> = {
  '4242424242424242': succeeds,
  '4000000000000002': { ...declines, code: 'card_declined' },
  '4000002500003155': { brand: 'visa', outcome: 'requires_action' },
  '4000000000009995': { ...declines, code: 'insufficient_funds' },
  '4000000000009979': { ...declines, code: 'stolen_card', hard: true },
  '4000000000000069': { ...declines, code: 'expired_card', hard: true },
  '4000000000000119': { ...succeeds, lost: { what: 'request', of: 'authorize' } },
  '4000000000000127': { ...succeeds, lost: { what: 'answer', of: 'authorize' } },
  '4000000000000135': { ...succeeds, lost: { what: 'request', of: 'all' } },
  '4000000000000143': { ...succeeds, lost: { what: 'answer', of: 'all' } },
  '4000000000000150': { ...succeeds, delayMs: 3000 },
}

/** Sandbox card numbers as tokens: `sandbox_` and the 16 digits. They are public test values, never real cards. */
const tokenPattern = /^(?:sandbox_)?(\d{16})$/

/** The test card behind a token. Throws Fault `validation_failed` for what is none. */
export function sandboxCard(token: string): Card {
  const number = tokenPattern.exec(token.replaceAll(' ', ''))?.[1] ?? ''
  const card = Object.hasOwn(cards, number) ? cards[number] : undefined
  if (!card) {
    const fix = 'Use a test card such as 4242 4242 4242 4242; docs/billing.md lists them.'
    throw new Fault('validation_failed', {
      errors: [{ pointer: '/payment_method', message: 'is no test card of the sandbox', fix }],
    })
  }
  return { number, ...card }
}
