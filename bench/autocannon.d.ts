declare module 'autocannon' {
  interface Request {
    method?: string
    path?: string
    headers?: Record<string, string>
    body?: string
    setupRequest?: (request: Request) => Request
  }
  interface Options {
    url: string
    connections: number
    duration?: number
    amount?: number
    requests?: Request[]
    setupClient?: (client: { setRequests(requests: Request[]): void }) => void
  }
  interface Result {
    requests: { average: number; total: number }
    latency: { p50: number; p99: number; p99_9?: number }
    non2xx: number
    errors: number
  }
  interface Run extends PromiseLike<Result> {
    on(event: 'start', listener: () => void): void
  }
  export default function autocannon(options: Options): Run
}
