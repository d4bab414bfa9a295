import { listOf } from '@tallystick/protocol'
import { listPage, parties } from '@tallystick/runtime'
import { api } from '../api.ts'
import { customerAsked, findCustomer } from '../customers/find-customer.ts'
import { alertIdInput, alertInput, alertListInput, alertView } from './alert-schemas.ts'
import { archiveAlert, createAlert, findAlert } from './change-alerts.ts'
import { usageAlerts } from './collections.ts'
import { viewAlert, viewWithCurrent } from './view-alert.ts'

const tags = ['Usage alerts']
const alert_id = 'alert_01kqxq5t8r0000000000000000'

/** Thresholds of usage and spending. */
export const alertsRouter = api.router({
  create: api
    .procedure({
      ...parties,
      tags,
      summary: 'Watch a threshold of usage or spending',
      description:
        'Once in a period, when it is reached, there is an event `usage.threshold_crossed` and a letter to the customer. A cap also refuses what would pass it, exactly, however many report at once.',
      scope: 'billing:write',
      errors: ['not_found', 'reference_not_found', 'invalid_state'],
      idempotency: 'required',
      examples: [
        { input: { customer: 'dev_456', kind: 'cap', meter: 'tokens', quantity: '1000000' } },
        {
          input: {
            customer: 'dev_456',
            prices: ['price_01kqxq5t8r0000000000000000'],
            amount: { amount: 50_000, currency: 'USD' },
          },
        },
      ],
      rest: { method: 'POST', path: '/v1/usage-alerts', status: 201 },
    })
    .input(alertInput)
    .output(alertView)
    .mutation(({ ctx, input }) => ctx.once(() => createAlert(ctx.deps, ctx.caller, input))),

  archive: api
    .procedure({
      ...parties,
      tags,
      summary: 'End an alert or a cap',
      scope: 'billing:write',
      errors: ['not_found'],
      idempotency: 'required',
      examples: [{ input: { alert_id } }],
      rest: { method: 'POST', path: '/v1/usage-alerts/{alert_id}/archive' },
    })
    .input(alertIdInput)
    .output(alertView)
    .mutation(({ ctx, input }) => ctx.once(() => archiveAlert(ctx.deps, ctx.caller, input.alert_id))),

  get: api
    .procedure({
      tags,
      summary: 'An alert, and how far it is in the current period',
      scope: 'billing:read',
      errors: ['not_found'],
      examples: [{ input: { alert_id } }],
      rest: { method: 'GET', path: '/v1/usage-alerts/{alert_id}' },
    })
    .input(alertIdInput)
    .output(alertView)
    .query(async ({ ctx: { deps, caller }, input }) => {
      const alert = await findAlert(deps, caller, input.alert_id)
      return viewWithCurrent(deps, alert, await findCustomer(deps, caller, alert.customer))
    }),

  list: api
    .procedure({
      tags,
      summary: 'List alerts and caps, newest first',
      scope: 'billing:read',
      errors: ['not_found'],
      examples: [{ input: { customer: 'dev_456' } }],
      rest: { method: 'GET', path: '/v1/usage-alerts' },
    })
    .input(alertListInput)
    .output(listOf(alertView))
    .query(async ({ ctx: { deps, caller }, input }) => {
      const { tenant } = caller
      const customer = (await customerAsked(deps, caller, input.customer))?.id
      return listPage(
        { tenant, url: '/v1/usage-alerts' },
        input,
        (query) =>
          customer === undefined
            ? deps.store.find(usageAlerts.byTenant, { equals: [tenant], ...query })
            : deps.store.find(usageAlerts.byCustomer, { equals: [tenant, customer], ...query }),
        (alert) => viewAlert(deps, alert),
      )
    }),
})
