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
 * answered with 2xx. Each connection has its share of them: given all, each would prepare all before its first request.
 */
export async function httpLoad(
  url: string,
  requests: readonly LoadRequest[],
  seconds: number,
  connections: number = usualConnections,
): Promise<LoadResult> {
  let client = 0
  const run = autocannon({
    url,
    connections,
    duration: seconds,
    setupClient(one) {
      const first = client++ % connections
      const share = requests.filter((_, turn) => turn % connections === first)
      one.setRequests(share.length > 0 ? share : [...requests])
    },
  })
  // Only now all requests are prepared, which can take longer than sending them.
  let started = 0
  run.on('start', () => void (started = performance.now()))
  const { total, p50, p99 } = checked(await run)
  return { p50, p99, rate: total / ((performance.now() - started) / 1000) }
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
  const { p50, p99 } = checked(result)
  return { p50, p99, rate: amount / ((performance.now() - started) / 1000) }
}

function checked({ non2xx, errors, requests, latency }: Awaited<ReturnType<typeof autocannon>>) {
  if (non2xx + errors > 0) throw new Error(`${non2xx} answers were not 2xx and ${errors} requests failed`)
  return { total: requests.total, p50: latency.p50, p99: latency.p99 }
}

/** What a server made of some requests, and how many a second of the cheapest request there is in the same seconds. */
export interface PairedLoad {
  asked: LoadResult
  bareRate: number
}

/** Long enough that opening the connections counts for little. */
const roundSeconds = 3

/**
 * Loads a server with `requests` and with a bare one, three seconds each in turn: what else the machine does meanwhile
 * hinders both alike. Before that both run warm, for as long as V8 goes on to compile what a service runs for days. The
 * latency is that of one more load without a break, in which few requests are the first of their connection.
 */
export async function besideBare(
  url: string,
  { requests, bare }: { requests: readonly LoadRequest[]; bare: LoadRequest },
  { seconds, warmUp = 1, connections }: { seconds: number; warmUp?: number; connections?: number },
): Promise<PairedLoad> {
  const rounds = Math.ceil(seconds / roundSeconds)
  let bareRate = 0
  let rate = 0
  await httpLoad(url, [bare], 1, connections)
  await httpLoad(url, requests, warmUp, connections)
  for (let round = 0; round < rounds; round++) {
    bareRate += (await httpLoad(url, [bare], roundSeconds, connections)).rate / rounds
    rate += (await httpLoad(url, requests, roundSeconds, connections)).rate / rounds
  }
  const { p50, p99 } = await httpLoad(url, requests, Math.max(seconds, 6), connections)
  return { asked: { rate, p50, p99 }, bareRate }
}
