import { z } from 'zod'
import { ChainError } from './chain-error.ts'

/** One URL as operators see it: never whole, for providers put API keys into paths. */
export interface RpcHealth {
  host: string
  /** Why the URL was last passed over; absent while it serves. */
  reason?: string
}

/** Asks a chain, over whichever of its URLs answers well. */
export interface Rpc {
  /**
   * The result of `method`, in the shape of `schema`; `accept` says whether it answers the question at all. A URL whose
   * answer has neither is passed over. Throws ChainError.
   */
  request<T>(
    method: string,
    params: readonly unknown[],
    schema: z.ZodType<T>,
    accept?: (result: T) => boolean,
  ): Promise<T>
  /** Each URL's own answer, undefined where it has none: to compare what they say. */
  requestAll<T>(method: string, params: readonly unknown[], schema: z.ZodType<T>): Promise<(T | undefined)[]>
  health(): RpcHealth[]
}

/** What makes one URL useless for now, while another may serve. */
class EndpointFault extends Error {
  readonly wrongChain: boolean

  constructor(message: string, wrongChain = false) {
    super(message)
    this.wrongChain = wrongChain
  }
}

interface Endpoint {
  url: string
  host: string
  headers: Record<string, string>
  /** Whether the URL has shown its chain id since it last failed. */
  verified: boolean
  fault: EndpointFault | undefined
}

const maxAnswerBytes = 16 * 1024 * 1024

const answerSchema = z.object({
  id: z.number(),
  result: z.unknown().optional(),
  error: z.object({ code: z.number(), message: z.string(), data: z.unknown().optional() }).optional(),
})

/**
 * JSON-RPC over several URLs. A URL serves only after it named `chainId` itself, and again after each of its failures:
 * an endpoint that moved to another chain must not be believed. The one that served last is asked first.
 */
export function failoverRpc(options: { chainId: number; urls: readonly string[]; timeoutMs: number }): Rpc {
  const { chainId, timeoutMs } = options
  const endpoints = options.urls.map((url): Endpoint => ({
    ...withoutCredentials(url),
    verified: false,
    fault: undefined,
  }))
  let preferred = 0

  async function ask<T>(
    endpoint: Endpoint,
    method: string,
    params: readonly unknown[],
    schema: z.ZodType<T>,
  ): Promise<T> {
    const result = schema.safeParse(await call(endpoint, method, params, timeoutMs))
    if (!result.success) throw new EndpointFault(`${method} answered in a wrong shape`)
    return result.data
  }

  async function attempt<T>(endpoint: Endpoint, work: () => Promise<T>): Promise<T> {
    try {
      if (!endpoint.verified) await verifyChain(endpoint)
      const result = await work()
      endpoint.fault = undefined
      return result
    } catch (error) {
      if (error instanceof EndpointFault) {
        endpoint.verified = false
        endpoint.fault = error
      }
      throw error
    }
  }

  async function verifyChain(endpoint: Endpoint): Promise<void> {
    const found = await ask(endpoint, 'eth_chainId', [], z.string().regex(/^0x[0-9a-f]+$/i))
    if (Number(found) !== chainId)
      throw new EndpointFault(`its chain id is ${Number(found)}, not ${chainId}`, true)
    endpoint.verified = true
  }

  return {
    async request(method, params, schema, accept = () => true) {
      for (let turn = 0; turn < endpoints.length; turn++) {
        const place = (preferred + turn) % endpoints.length
        const endpoint = endpoints[place]
        if (endpoint === undefined) continue
        try {
          const result = await attempt(endpoint, async () => {
            const answer = await ask(endpoint, method, params, schema)
            if (!accept(answer)) throw new EndpointFault(`${method} answered something else`)
            return answer
          })
          preferred = place
          return result
        } catch (error) {
          if (!(error instanceof EndpointFault)) throw error
        }
      }
      throw nobodyServes(endpoints)
    },

    requestAll(method, params, schema) {
      return Promise.all(
        endpoints.map((endpoint) =>
          attempt(endpoint, () => ask(endpoint, method, params, schema)).catch(() => undefined),
        ),
      )
    },

    health() {
      return endpoints.map(({ host, fault }) =>
        fault === undefined ? { host } : { host, reason: fault.message },
      )
    },
  }
}

/** `fetch` refuses URLs with a user and password; they go into the header that they stand for. */
function withoutCredentials(text: string): Pick<Endpoint, 'url' | 'host' | 'headers'> {
  const url = new URL(text)
  const headers: Record<string, string> = { 'content-type': 'application/json' }
  if (url.username !== '' || url.password !== '') {
    const credentials = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`
    headers['authorization'] = `Basic ${Buffer.from(credentials).toString('base64')}`
    url.username = ''
    url.password = ''
  }
  return { url: url.href, host: url.host, headers }
}

function nobodyServes(endpoints: readonly Endpoint[]): ChainError {
  const reasons = endpoints.map(({ host, fault }) => `${host}: ${fault?.message ?? 'not asked'}`)
  const code = endpoints.every(({ fault }) => fault?.wrongChain) ? 'wrong_chain' : 'unreachable'
  return new ChainError(code, reasons.join('; '))
}

let lastId = 0

/** One JSON-RPC exchange. Throws EndpointFault for what another URL may do better, ChainError for what none will. */
async function call(
  { url, headers }: Endpoint,
  method: string,
  params: readonly unknown[],
  timeoutMs: number,
): Promise<unknown> {
  const id = ++lastId
  let text
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers,
      body: JSON.stringify({ jsonrpc: '2.0', id, method, params }),
      signal: AbortSignal.timeout(timeoutMs),
      redirect: 'error',
    })
    text = await boundedText(response)
    if (!response.ok && !text.includes('"error"')) throw new EndpointFault(`HTTP status ${response.status}`)
  } catch (error) {
    if (error instanceof EndpointFault) throw error
    const timedOut = error instanceof Error && error.name === 'TimeoutError'
    throw new EndpointFault(timedOut ? `no answer within ${timeoutMs} ms` : 'no connection')
  }
  const answer = answerSchema.safeParse(parseJson(text))
  if (!answer.success || answer.data.id !== id) throw new EndpointFault('the answer is not JSON-RPC')
  if (answer.data.error !== undefined) throw refusal(answer.data.error)
  if (answer.data.result === undefined) throw new EndpointFault('the answer has no result')
  return answer.data.result
}

/** A hostile or broken endpoint must not fill our memory. */
async function boundedText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.length
    if (size > maxAnswerBytes) throw new EndpointFault('the answer is too large')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const knownRefusal =
  /nonce|already known|already imported|underpriced|insufficient funds|fee|gas required exceeds|intrinsic gas|exceeds block gas/i
const nodeLags =
  /header not found|missing trie node|not available|unknown block|block not found|rate limit|too many/i

/** Nodes agree on few codes: 3 is a revert (with its data), -32003 a refused transaction, -32000 anything. */
function refusal(error: { code: number; message: string; data?: unknown }): Error {
  const message = error.message.slice(0, 300)
  if (error.code === 3 || /revert/i.test(message)) {
    return new ChainError('reverted', message, { data: revertData(error.data) })
  }
  if (nodeLags.test(message)) return new EndpointFault(message)
  if (error.code === -32_003 || error.code === -32_000 || knownRefusal.test(message)) {
    return new ChainError('rejected', message)
  }
  return new EndpointFault(`error ${error.code}: ${message}`)
}

/** The data of a revert stands in `data` itself or, at some providers, one level below. */
function revertData(data: unknown): string | undefined {
  if (typeof data === 'string') return /^0x[0-9a-f]*$/i.exec(data)?.[0]
  return typeof data === 'object' && data !== null && 'data' in data ? revertData(data.data) : undefined
}
