import { creditGrants } from '../../services/billing/src/credits/collections.ts'
import { invoices } from '../../services/billing/src/invoices/collections.ts'
import { payments } from '../../services/billing/src/payments/collections.ts'
import { action, anyOf, timeOfCustomer } from './steps.ts'
import type { Step } from './steps.ts'

/** Credit is granted, paid for or as a gift. */
export const grantCredit: Step = async (market) => {
  const { random, model } = market
  const customer = random.pick(model.customers)
  const now = await timeOfCustomer(market, customer.id)
  const expires = new Date(now.getTime() + random.between(1, 60) * 86_400_000).toISOString()
  const [amount, paid] = [random.between(1, 30_000), random.chance(0.6)]
  const input = {
    customer: customer.id,
    amount,
    paid,
    name: paid ? 'paid' : 'gift',
    priority: random.below(3),
    ...(random.chance(0.5) && { expires_at: expires }),
  }
  return action(market, 'grant', async (api) => {
    const { id } = await api.credits.grant(input)
    model.grants.set(id, { amount: BigInt(amount), paid, currency: customer.currency })
  })
}

/** What is left of a grant is taken back. */
export const voidGrant: Step = async (market) => {
  const found = await anyOf(market, creditGrants.byTenant)
  return found && action(market, 'void grant', (api) => api.credits.void({ grant_id: found.id }))
}

/** An operator writes an invoice, and perhaps issues it; what is negative becomes credit. */
export const writeInvoice: Step = async (market) => {
  const { random, model } = market
  const lines = Array.from({ length: random.between(1, 3) }, (_, place) => ({
    description: `Work ${place}`,
    ...(random.chance(0.5)
      ? { amount: random.between(-2000, 20_000) }
      : { quantity: random.pick(['1.5', '3']), unit_amount: random.pick(['0.333', '19.99']) }),
    ...(random.chance(0.2) && { tax_code: 'books' }),
  }))
  const customer = random.pick(model.customers).id
  return action(market, 'write invoice', (api) => api.invoices.create({ customer, lines }))
}

/** A draft is issued. */
export const finalizeInvoice: Step = async (market) => {
  const found = await anyOf(market, invoices.byTenant, ({ status }) => status === 'draft')
  return found && action(market, 'finalize', (api) => api.invoices.finalize({ invoice_id: found.id }))
}

const isIssued = ({ status }: { status: string }) => status !== 'draft' && status !== 'void'

/** An issued invoice is collected, taken back, given up, or credited. */
export const dealWithInvoice: Step = async (market) => {
  const { random } = market
  const found = await anyOf(market, invoices.byTenant, isIssued)
  if (!found) return undefined
  const input = { invoice_id: found.id }
  switch (random.below(6)) {
    case 0:
      return action(market, 'void invoice', (api) => api.invoices.void(input))
    case 1:
      return action(market, 'write off', (api) => api.invoices.markUncollectible(input))
    case 2:
    case 3: {
      const most = Number(found.total > 1n ? found.total : 1n)
      const amount = random.chance(0.3) ? most : random.between(1, most)
      return action(market, 'credit note', (api) =>
        api.creditNotes.issue({ ...input, amount, reason: 'goodwill' }),
      )
    }
    default:
      return action(market, 'pay', (api) => api.invoices.pay(input))
  }
}

/** Money is held, for an invoice or for nothing yet. */
export const authorize: Step = async (market) => {
  const { random, model } = market
  const invoice = random.chance(0.4)
    ? await anyOf(market, invoices.byTenant, ({ status }) => status === 'open' || status === 'past_due')
    : undefined
  const customer = invoice?.customer ?? random.pick(model.customers).id
  const amount = random.between(1, Number(invoice?.amountDue ?? 20_000n) + 1)
  const input = {
    customer,
    ...(invoice && { invoice: invoice.id }),
    ...((!invoice || random.chance(0.5)) && { amount }),
    ...(random.chance(0.3) && { license: 'lic_1' }),
  }
  return action(market, 'authorize', (api) => api.payments.authorize(input))
}

/** A payment is captured (alone or in a batch), let go, authenticated, or given back. */
export const movePayment: Step = async (market) => {
  const { random } = market
  const found = await anyOf(market, payments.byTenant, ({ status }) => status !== 'failed')
  if (!found) return undefined
  const payment = found.id
  const part = random.chance(0.4) ? { amount: random.between(1, Number(found.amount)) } : {}
  if (found.status === 'requires_action' && random.chance(0.6)) {
    const authenticated = random.chance(0.7)
    return action(market, 'confirm', (api) => api.payments.confirm({ payment, authenticated }))
  }
  const refunds = found.captured > 0n
  if (refunds && random.chance(0.8)) {
    const revoke_license = found.license !== undefined && random.chance(0.5)
    return action(market, 'refund', (api) => api.payments.refund({ payment, ...part, revoke_license }))
  }
  if (random.chance(0.3)) return action(market, 'void payment', (api) => api.payments.void({ payment }))
  const input = random.chance(0.3) ? { captures: [{ payment, ...part }] } : { payment, ...part }
  return action(market, 'capture', (api) => api.payments.capture(input))
}
