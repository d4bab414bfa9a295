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

/** What a server made of some requests, and of the cheapest request there is, in the same seconds. */
export interface PairedLoad {
  asked: LoadResult
  bare: LoadResult
}

/**
 * Loads a server with `requests` and with a bare one, second by second in turn: what else the machine does meanwhile
 * hinders both alike. Before that both run warm, for as long as V8 goes on to compile what a service runs for days.
 */
export async function besideBare(
  url: string,
  { requests, bare }: { requests: readonly LoadRequest[]; bare: LoadRequest },
  { seconds, warmUp = 1, connections }: { seconds: number; warmUp?: number; connections?: number },
): Promise<PairedLoad> {
  const asked: LoadResult[] = []
  const cheapest: LoadResult[] = []
  await httpLoad(url, [bare], 1, connections)
  await httpLoad(url, requests, warmUp, connections)
  for (let second = 0; second < seconds; second++) {
    cheapest.push(await httpLoad(url, [bare], 1, connections))
    asked.push(await httpLoad(url, requests, 1, connections))
  }
  return { asked: overall(asked), bare: overall(cheapest) }
}

/** The mean rate and median of the rounds, and their worst p99. */
function overall(rounds: readonly LoadResult[]): LoadResult {
  const mean = (figure: 'rate' | 'p50') =>
    rounds.reduce((sum, round) => sum + round[figure], 0) / rounds.length
  return {
    rate: mean('rate'),
    p50: Math.round(mean('p50')),
    p99: Math.max(...rounds.map(({ p99 }) => p99)),
  }
}
