import { formatMoney } from '@tallystick/money'
import type { Write } from '@tallystick/storage'
import type { Customer } from '../customers/find-customer.ts'
import type { Deps } from '../deps.ts'
import type { StoredInvoice } from '../invoices/find-invoice.ts'
import { letter } from '../mail/letter.ts'

/** What a customer is written about an invoice that could not be collected. */
export type DunningNews =
  | { kind: 'failed'; retryAt: Date }
  | { kind: 'action_required'; retryAt: Date }
  | { kind: 'grace'; endsAt: Date }
  | { kind: 'suspended' }
  | { kind: 'reactivated' }

/** The write that promises a letter to a customer with an e-mail address; none for others. */
export function dunningLetter(
  deps: Pick<Deps, 'now' | 'newId'>,
  customer: Pick<Customer, 'email' | 'name' | 'tenant'>,
  invoice: StoredInvoice,
  news: DunningNews,
): Write[] {
  const { email: to, name, tenant } = customer
  if (to === undefined) return []
  const { subject, body } = wordsOf(invoice, news)
  const text = `Hello ${name},\n\n${body}\n\n${invoice.seller?.name ?? 'The billing team'}\n`
  return [letter({ id: deps.newId('event'), to, subject, text }, { tenant, at: deps.now() })]
}

function wordsOf(
  { number = '', currency, amountDue, amountPaid }: StoredInvoice,
  news: DunningNews,
): { subject: string; body: string } {
  const owed = formatMoney({ amount: amountDue - amountPaid, currency })
  const open = `Invoice ${number} over ${owed}`
  if (news.kind === 'failed') {
    const next = `We try again on ${dayOf(news.retryAt)}. Please check your payment method.`
    return {
      subject: `Payment of invoice ${number} failed`,
      body: `${open} could not be collected. ${next}`,
    }
  }
  if (news.kind === 'action_required') {
    const why = 'your bank asks you to authenticate the payment.'
    return {
      subject: `Please confirm the payment of invoice ${number}`,
      body: `${open} needs your confirmation: ${why} Without it we try again on ${dayOf(news.retryAt)}.`,
    }
  }
  if (news.kind === 'grace') {
    const until = `pay it by ${dayOf(news.endsAt)}; after that your API keys are suspended.`
    return {
      subject: `Invoice ${number} is past due`,
      body: `${open} could not be collected, and is not retried. Please change your payment method and ${until}`,
    }
  }
  if (news.kind === 'suspended') {
    return {
      subject: 'Your API keys are suspended',
      body: `${open} was not paid. Your API keys are suspended until it is.`,
    }
  }
  return {
    subject: 'Your API keys work again',
    body: `Invoice ${number} is settled, and your API keys work again.`,
  }
}

function dayOf(at: Date): string {
  return at.toISOString().slice(0, 10)
}
