import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** How an endpoint misbehaves: for one method or for all, and by what. */
export interface Misbehavior {
  method?: string
  by: 'hang' | 'status' | 'html' | 'other_id' | 'result' | 'drop'
  /** For `result`: what is answered in place of the truth. */
  result?: unknown
}

/** An HTTP server in front of a node that lies, hangs and breaks when it is told to; for tests. */
export interface RpcProxy {
  url: string
  misbehavior: Misbehavior | undefined
  /** The methods that were asked, in order. */
  asked: string[]
  /** The last Authorization header. */
  authorization: string | undefined
  close(): Promise<void>
}

/** Starts a proxy on a free port in front of the node at `target`. */
export async function startProxy(target: string): Promise<RpcProxy> {
  const server = createServer((request, response) => {
    void forward(request, response).catch(() => response.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const proxy: RpcProxy = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    misbehavior: undefined,
    asked: [],
    authorization: undefined,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }

  async function forward(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = Buffer.concat(await request.toArray()).toString('utf8')
    const { id, method } = JSON.parse(body) as { id: number; method: string }
    proxy.asked.push(method)
    proxy.authorization = request.headers.authorization
    const { misbehavior } = proxy
    if (misbehavior !== undefined && (misbehavior.method ?? method) === method) {
      return misbehave(response, id, misbehavior)
    }
    const answer = await fetch(target, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    })
    response.end(await answer.text())
  }
  return proxy
}

function misbehave(response: ServerResponse, id: number, { by, result }: Misbehavior): void {
  switch (by) {
    case 'hang':
      return
    case 'status':
      response.writeHead(503).end('overloaded')
      return
    case 'html':
      response.end('<html>Please log in</html>')
      return
    case 'other_id':
      response.end(JSON.stringify({ jsonrpc: '2.0', id: id + 1, result: '0x1' }))
      return
    case 'result':
      response.end(JSON.stringify({ jsonrpc: '2.0', id, result }))
      return
    case 'drop':
      response.destroy()
  }
}
