import { createServer, request as ask } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { once } from 'node:events'

/** What a proxy does to one request. */
export type Mishap =
  /** Hands it on, and cuts the connection when the answer is there: the server has done its work. */
  | 'lose the answer'
  /** Cuts the connection in the middle of the answer's body. */
  | 'cut the answer'
  /** Cuts the connection before anything is handed on. */
  | 'refuse'
  /** Never answers. */
  | 'hang'
  /** Answers so by itself. */
  | { status: number; headers?: Record<string, string>; body?: string }

/** A proxy on the loopback interface between client and server, for tests. */
export interface FlakyProxy {
  url: string
  /** What befalls the next requests, in order; the others pass. */
  mishaps: Mishap[]
  /** The idempotency keys of all requests so far; undefined where there was none. */
  keys: (string | undefined)[]
  close(): Promise<void>
}

/** Starts a proxy before the server at `target`. */
export async function startFlakyProxy(target: string): Promise<FlakyProxy> {
  const mishaps: Mishap[] = []
  const keys: (string | undefined)[] = []
  const server = createServer((request, response) => {
    const key = request.headers['idempotency-key']
    keys.push(typeof key === 'string' ? key : undefined)
    const mishap = mishaps.shift()
    if (mishap === 'refuse') request.socket.destroy()
    else if (typeof mishap === 'object')
      response.writeHead(mishap.status, mishap.headers).end(mishap.body ?? '')
    else if (mishap !== 'hang') handOn(request, response, { target, mishap })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the system gave no port')
  return {
    url: `http://127.0.0.1:${address.port}`,
    mishaps,
    keys,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

function handOn(
  request: IncomingMessage,
  response: ServerResponse,
  { target, mishap }: { target: string; mishap: 'lose the answer' | 'cut the answer' | undefined },
): void {
  const { method, headers, url = '/' } = request
  const onward = ask(target + url, { method, headers, agent: false }, (answer) => {
    const chunks: Buffer[] = []
    answer.on('data', (chunk: Buffer) => chunks.push(chunk))
    answer.on('end', () => {
      const body = Buffer.concat(chunks)
      if (mishap === 'lose the answer') {
        request.socket.destroy()
        return
      }
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      if (mishap === undefined) {
        response.end(body)
        return
      }
      response.write(body.subarray(0, body.length / 2), () => request.socket.destroy())
    })
  })
  onward.on('error', () => request.socket.destroy())
  request.pipe(onward)
}
