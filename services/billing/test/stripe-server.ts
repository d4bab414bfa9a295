import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { once } from 'node:events'
import { StripeBooks } from './stripe-books.ts'
import type { Behavior } from './stripe-books.ts'
import { invalid } from './stripe-replies.ts'
import type { Reply } from './stripe-replies.ts'
import { readForm, shapes } from './stripe-shapes.ts'
import type { Route } from './stripe-shapes.ts'

/** What goes wrong with a request; `before` nothing was done, `after` all was. */
export type Fault =
  | 'request lost'
  | 'answer lost'
  | '500 before'
  | '500 after'
  | 'timeout before'
  | 'timeout after'
  | '409'
  | '429'

/** A stand-in for Stripe on the loopback interface. */
export interface StripeServer {
  url: string
  books: StripeBooks
  /** What was sent that Stripe would not take; a test ends with none. */
  violations: string[]
  /** The next request of this route fails so; one that reads is answered 503, whatever the fault. */
  fail(route: Route, fault: Fault): void
  /** Faults that no request has met are forgotten. */
  calm(): void
  /** While it is down it answers nothing but 503. */
  down: boolean
  /** A payment method that is attached to nobody. */
  card(behavior?: Behavior): string
  close(): Promise<void>
}

const keyLivesMs = 24 * 3_600_000
const inUse = invalid('idempotency_key_in_use', 'A request with this key is under way', 409)
const apiVersion = '2026-10-28.endive'

/** Starts the stand-in; it checks every request against the published shapes and keeps idempotency as Stripe does. */
export async function startStripeServer(now: () => Date): Promise<StripeServer> {
  const books = new StripeBooks(now)
  const violations: string[] = []
  const faults = new Map<Route, Fault[]>()
  const answers = new Map<string, { asked: string; at: number; reply: Reply }>()

  const takeFault = (name: Route): Fault | undefined => faults.get(name)?.shift()

  function handle(request: IncomingMessage, response: ServerResponse, text: string): void {
    const { method = '', url = '', headers } = request
    if (self.down) return answer(response, failure(503))
    const [path = '', query = ''] = url.split('?')
    const [, version = '', ...parts] = path.split('/')
    const [resource = '', id = '', verb = ''] = version === 'v2' ? ['core/events', parts[2]] : parts
    const name =
      resource === 'billing'
        ? `${method} ${path}`
        : `${method} /${version}/${resource}${id ? '/:id' : ''}${verb ? `/${verb}` : ''}`
    const complain = (what: string): void => {
      violations.push(`${name}: ${what}`)
      answer(response, invalid('parameter_invalid', what))
    }
    if (!isRoute(name)) return complain('no such request')
    if (headers['stripe-version'] !== apiVersion) return complain('wrong Stripe-Version')
    if (headers.authorization !== 'Bearer sk_test_local') return complain('wrong key')
    if (method === 'GET' && text !== '') return complain('a body')
    if (method === 'POST' && !headers['content-type']?.startsWith('application/x-www-form-urlencoded'))
      return complain('not form-encoded')
    const parsed = shapes[name].safeParse(readForm(method === 'GET' ? query : text))
    if (!parsed.success) return complain(parsed.error.message)
    const act = () => perform(books, name, id, readForm(method === 'GET' ? query : text))
    if (method === 'GET') {
      if (takeFault(name)) return answer(response, failure(503))
      return answer(response, act())
    }
    const key = headers['idempotency-key']
    if (typeof key !== 'string' || key.length > 255) return complain('no Idempotency-Key')
    post({ request, response, name, key, asked: `${method} ${path} ${text}`, act })
  }

  function post(of: {
    request: IncomingMessage
    response: ServerResponse
    name: Route
    key: string
    asked: string
    act: () => Reply
  }): void {
    const { request, response, name, key, asked, act } = of
    const at = now().getTime()
    const fault = takeFault(name)
    if (fault === 'request lost') return void request.socket.destroy()
    if (fault === '429') return answer(response, failure(429))
    if (fault === '409') return answer(response, inUse)
    const known = answers.get(key)
    if (known && at - known.at < keyLivesMs) {
      if (known.asked !== asked) {
        violations.push(`${name}: the key ${key} with other parameters`)
        return answer(response, {
          status: 400,
          body: { error: { type: 'idempotency_error', message: 'Keys…' } },
        })
      }
      if (fault === 'answer lost') return void request.socket.destroy()
      return answer(response, known.reply, { 'idempotent-replayed': 'true' })
    }
    if (fault === 'timeout before') return
    const done = fault === '500 before' ? failure(500) : act()
    const reply = fault === '500 after' ? failure(500) : done
    // What is wrong with the request itself is not kept.
    if (reply.status !== 400 && reply.status !== 404) answers.set(key, { asked, at, reply })
    if (fault === 'answer lost') return void request.socket.destroy()
    if (fault === 'timeout after') return
    answer(response, reply)
  }

  const server = createServer((request, response) => {
    let text = ''
    request.on('data', (chunk: Buffer) => (text += chunk.toString()))
    request.on('end', () => handle(request, response, text))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (typeof address !== 'object' || !address) throw new Error('The stand-in for Stripe does not listen')
  const self: StripeServer = {
    url: `http://127.0.0.1:${address.port}`,
    books,
    violations,
    // The SDK asks once more by itself when a connection breaks: that one breaks too.
    fail: (route, fault) => void faults.set(route, fault.endsWith('lost') ? [fault, fault] : [fault]),
    calm: () => faults.clear(),
    down: false,
    card(behavior = {}) {
      const id = books.id('pm')
      books.methods.set(id, { ...behavior })
      return id
    },
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
  return self
}

function perform(books: StripeBooks, name: Route, id: string, form: unknown): Reply {
  switch (name) {
    case 'POST /v1/customers': {
      const customer = books.id('cus')
      books.customers.add(customer)
      return { status: 200, body: { id: customer, object: 'customer', ...shapes[name].parse(form) } }
    }
    case 'POST /v1/payment_methods/:id/attach':
      return books.attach(id, shapes[name].parse(form).customer)
    case 'POST /v1/payment_intents':
      return books.create(shapes[name].parse(form))
    case 'POST /v1/payment_intents/:id/confirm':
      return books.confirm(id, shapes[name].parse(form))
    case 'POST /v1/payment_intents/:id/capture':
      return books.capture(id, shapes[name].parse(form).amount_to_capture)
    case 'POST /v1/payment_intents/:id/cancel':
      return books.cancel(id)
    case 'POST /v1/refunds':
      return books.refund(shapes[name].parse(form))
    case 'POST /v1/billing/meter_events':
      return books.meters.take(shapes[name].parse(form))
    case 'POST /v1/billing/meter_event_adjustments':
      return books.meters.cancel(shapes[name].parse(form).cancel.identifier)
    case 'GET /v1/payment_intents/:id':
      return found(books.intents.get(id))
    case 'GET /v2/core/events/:id':
      return found(books.meters.reports.get(id))
    case 'GET /v1/refunds/:id':
      return found(books.refunds.get(id))
    case 'GET /v1/disputes/:id':
      return found(books.disputes.get(id))
    case 'GET /v1/payment_intents': {
      const { customer, created } = shapes[name].parse(form)
      return list(
        [...books.intents.values()].filter((one) => one.customer === customer && one.created >= created.gte),
      )
    }
    default: {
      const { payment_intent } = shapes['GET /v1/refunds'].parse(form)
      return list([...books.refunds.values()].filter((one) => one.payment_intent === payment_intent))
    }
  }
}

function found(object: object | undefined): Reply {
  return object ? { status: 200, body: object } : invalid('resource_missing', 'No such object', 404)
}

function list(all: readonly object[]): Reply {
  return { status: 200, body: { object: 'list', data: all.toReversed(), has_more: false, url: '/v1' } }
}

function failure(status: number): Reply {
  const type = status === 429 ? 'invalid_request_error' : 'api_error'
  return {
    status,
    body: { error: { type, ...(status === 429 && { code: 'rate_limit' }), message: 'Sorry' } },
  }
}

function answer(
  response: ServerResponse,
  { status, body }: Reply,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', 'request-id': 'req_local', ...headers })
  response.end(JSON.stringify(body))
}

function isRoute(name: string): name is Route {
  return Object.hasOwn(shapes, name)
}
