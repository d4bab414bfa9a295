/** Sends a POST as the marketplace's operator and gives the id of what it answers. Throws for a refusal. */
export type Make = (path: string, body?: object) => Promise<string>
/** What an operation is to be sent in place of its example's fields, told or made of the example. */
export type Ready = object | ((example: Readonly<Record<string, unknown>>) => object)

const goodCard = '4242 4242 4242 4242'
const askingCard = '4000 0025 0000 3155'

/**
 * For each operation of billing whose example needs an object of a certain state, that object. The licenses are active:
 * one of the customer dev_456, and one that can be charged, of the customer `buyer`.
 */
export async function readyBilling(
  make: Make,
  report: (events: object[]) => Promise<unknown>,
  licenses: { active: string; priced: string },
): Promise<Record<string, Ready>> {
  const event = {
    customer: 'dev_456',
    license_id: licenses.active,
    metric: 'tokens',
    quantity: '7',
    purpose: 'train',
  }
  await report(['ready-1', 'ready-2'].map((event_id) => ({ ...event, event_id })))
  const customer = await make('/v1/customers', { reference: 'ready', payment_method: goodCard })
  return {
    ...(await readyInvoices(make, customer)),
    ...(await readyPayments(make, customer)),
    ...(await readySubscriptions(make, customer, licenses.priced)),
    ...(await readyUsage(make)),
    'credits.void': { grant_id: await make('/v1/credit-grants', { customer, amount: 700 }) },
    'customers.create': { reference: 'fresh' },
    'testClocks.advance': {
      clock_id: await make('/v1/test-clocks', { name: 'x', now: '2026-02-01T00:00:00.000Z' }),
    },
  }
}

async function readyInvoices(make: Make, customer: string): Promise<Record<string, Ready>> {
  const draft = (of = customer) =>
    make('/v1/invoices', { customer: of, lines: [{ description: 'Work', amount: 5000 }] })
  const open = async () => make(`/v1/invoices/${await draft()}/finalize`)
  // What is open to a customer with a card is collected sooner or later.
  const cardless = await make('/v1/customers', { reference: 'cardless' })
  const unpaid = async () => make(`/v1/invoices/${await draft(cardless)}/finalize`)
  const credited = await open()
  const note = { amount: 100, reason: 'ready' }
  return {
    'creditNotes.issue': { invoice_id: credited },
    'creditNotes.get': { credit_note_id: await make(`/v1/invoices/${credited}/credit-notes`, note) },
    'invoices.update': { invoice_id: await draft() },
    'invoices.finalize': { invoice_id: await draft() },
    'invoices.pay': { invoice_id: await open() },
    'invoices.void': { invoice_id: await unpaid() },
    'invoices.markUncollectible': { invoice_id: await unpaid() },
    'payments.authorize': { customer },
  }
}

async function readyPayments(make: Make, customer: string): Promise<Record<string, Ready>> {
  const held = (of = customer) => make('/v1/payments/authorize', { customer: of, amount: 1000 })
  const asking = await make('/v1/customers', { reference: 'asking', payment_method: askingCard })
  const [one, another] = [await held(), await held()]
  return {
    'payments.capture': ({ captures }) =>
      captures === undefined ? { payment: one } : { captures: [{ payment: another, amount: 100 }] },
    'payments.void': { payment: await held() },
    'payments.confirm': { payment: await held(asking) },
    'payments.refund': { payment: await make('/v1/payments/capture', { payment: await held() }) },
  }
}

async function readySubscriptions(
  make: Make,
  customer: string,
  license: string,
): Promise<Record<string, Ready>> {
  const definition = { model: 'flat', currency: 'USD', amount: 1000 }
  const price = () => make('/v1/prices', { name: 'Access', definition })
  const plan = await make('/v1/plans', { name: 'Access', prices: [await price()] })
  const other = await make('/v1/plans', { name: 'More', prices: [await price()] })
  const buyer = await make('/v1/customers', { reference: 'buyer' })
  const subscribed = () => make('/v1/subscriptions', { customer, plan, trial_days: 0 })
  return {
    'prices.archive': { price_id: await price() },
    'subscriptions.create': ({ items }) =>
      items === undefined ? { customer, plan } : { customer: buyer, items: [{ license }] },
    'subscriptions.change': { subscription_id: await subscribed(), plan: other },
    'subscriptions.pause': { subscription_id: await subscribed() },
    'subscriptions.resume': { subscription_id: await make(`/v1/subscriptions/${await subscribed()}/pause`) },
    'subscriptions.cancel': { subscription_id: await subscribed() },
  }
}

async function readyUsage(make: Make): Promise<Record<string, Ready>> {
  const meter = () => make('/v1/meters', { name: crypto.randomUUID(), metric: 'tokens', aggregation: 'sum' })
  const definition = { model: 'per_unit', currency: 'USD', unit_amount: '0.001' }
  const metered = await make('/v1/prices', { name: 'Metered', definition, meter: await meter() })
  return {
    'alerts.create': ({ prices }) => (prices === undefined ? {} : { prices: [metered] }),
    'meters.create': () => ({ name: crypto.randomUUID() }),
    'meters.archive': { meter_id: await meter() },
    'meters.rebuild': { meter_id: await meter() },
    'stripeMeterEvents.link': { meter_id: await meter() },
    'usage.report': ({ events }) => (events === undefined ? { event_id: 'ready-3' } : {}),
    'usage.adjust': { event_id: 'ready-1' },
    'usage.deprecate': { event_id: 'ready-2' },
    'usage.get': { event_id: 'ready-1' },
  }
}
