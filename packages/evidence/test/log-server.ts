import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { parseTilePath } from '@tallystick/merkle'
import { formatContentHash } from '@tallystick/protocol'
import type { AnchorPart } from '../src/build-evidence.ts'
import type { Log } from './log.ts'

/** A log served over HTTP; what it shows can be changed while it runs. */
export interface LogServer {
  url: string
  /** The log, the size of its newest checkpoint, and the anchors that it lists. */
  shown: { log: Log; size: number; anchors: readonly AnchorPart[]; checkpoint?: string }
  stop: () => Promise<void>
}

/** Serves a log as the audit service does, on a free loopback port. */
export async function serveLog(log: Log, size: number): Promise<LogServer> {
  const shown: LogServer['shown'] = { log, size, anchors: [] }
  const server = createServer((request, response) => {
    answer(shown, request.url ?? '').then(
      (body) => response.writeHead(body === undefined ? 404 : 200).end(body),
      () => response.writeHead(404).end(),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    shown,
    stop: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function answer(shown: LogServer['shown'], path: string): Promise<string | Uint8Array | undefined> {
  const { log, size, anchors } = shown
  if (path === '/log/checkpoint') return shown.checkpoint ?? (await log.checkpoint(size))
  if (path === '/v1/keys') {
    const chains = anchors.map(({ chain, contract }) => ({ chain, contract }))
    return JSON.stringify({
      object: 'keys',
      jwks: log.jwks,
      log: { origin: log.origin, key: log.key.verifierKey },
      chains,
    })
  }
  if (path.startsWith('/v1/anchors')) {
    const data = anchors.map((anchor) => ({
      chain: anchor.chain,
      contract: anchor.contract,
      size: anchor.size,
      state: 'mined',
      root: formatContentHash(anchor.root),
      block: { number: Number(anchor.block.number), hash: anchor.block.hash },
    }))
    return JSON.stringify({ object: 'list', data, has_more: false, url: '/v1/anchors' })
  }
  const { level, index, width } = parseTilePath(path.replace('/log/', ''))
  if (level === 'entries') return undefined
  const hashes = Array.from({ length: width }, async (_, at) => log.source(level * 8, index * 256 + at))
  return Buffer.concat(await Promise.all(hashes))
}
