import autocannon from 'autocannon'

/** One request of a load. */
export interface LoadRequest {
  method?: string
  path: string
  headers?: Record<string, string>
  body?: string
}

/** What a load brought: requests a second and milliseconds. */
export interface LoadResult {
  rate: number
  p50: number
  p99: number
}

const usualConnections = 32

/**
 * Sends the requests in turn over some connections (32 unless told) for some seconds. Throws when one is not
 * answered with 2xx. Each
 * connection has its share of them: given all, each would prepare all before its first request, and that time counted.
 */
export async function httpLoad(
  url: string,
  requests: readonly LoadRequest[],
  seconds: number,
  connections: number = usualConnections,
): Promise<LoadResult> {
  let client = 0
  const result = await autocannon({
    url,
    connections,
    duration: seconds,
    setupClient(one) {
      const first = client++ % connections
      const share = requests.filter((_, turn) => turn % connections === first)
      one.setRequests(share.length > 0 ? share : [...requests])
    },
  })
  return checked(result)
}

/** Sends each request once, with 32 in flight, and gives the rate over all of them. */
export async function httpOnce(
  url: string,
  requestAt: (turn: number) => LoadRequest,
  amount: number,
): Promise<LoadResult> {
  let turn = 0
  const started = performance.now()
  const result = await autocannon({
    url,
    connections: usualConnections,
    amount,
    requests: [{ setupRequest: (request) => ({ ...request, ...requestAt(turn++) }) }],
  })
  return { ...checked(result), rate: amount / ((performance.now() - started) / 1000) }
}

function checked(result: Awaited<ReturnType<typeof autocannon>>): LoadResult {
  if (result.non2xx + result.errors > 0)
    throw new Error(`${result.non2xx} answers were not 2xx and ${result.errors} requests failed`)
  return { rate: result.requests.total / result.duration, p50: result.latency.p50, p99: result.latency.p99 }
}
