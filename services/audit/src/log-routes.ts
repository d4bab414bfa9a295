import { entriesPath, parseTilePath, TILE_WIDTH, tilePath } from '@tallystick/merkle'
import { Fault } from '@tallystick/protocol'
import { formatKeySet } from '@tallystick/receipt'
import type { FastifyInstance } from 'fastify'
import { tiles } from './collections.ts'
import type { Deps } from './deps.ts'

const forever = 'public, max-age=31536000, immutable'
const entryFrameBytes = 34
const hashBytes = 32

/** `/log/*` (C2SP tlog-tiles) and `/.well-known/jwks.json`: public, static, for any client and any cache. */
export function registerLogRoutes(
  server: FastifyInstance,
  deps: Pick<Deps, 'store' | 'log' | 'keySet'>,
): void {
  server.get('/log/checkpoint', async (_request, reply) => {
    const checkpoint = await deps.log.latestCheckpoint()
    if (!checkpoint) throw new Fault('not_found', { detail: 'No checkpoint is published yet' })
    return reply.header('cache-control', 'no-cache').type('text/plain; charset=utf-8').send(checkpoint.note)
  })

  server.get('/log/tile/*', async (request, reply) => {
    const rest = (request.params as Record<string, string>)['*'] ?? ''
    const bytes = await readTile(deps, `tile/${rest}`)
    return reply.header('cache-control', forever).type('application/octet-stream').send(bytes)
  })

  server.get('/.well-known/jwks.json', (_request, reply) =>
    reply
      .header('cache-control', 'public, max-age=300')
      .type('application/jwk-set+json')
      .send(formatKeySet(deps.keySet().keys)),
  )
}

/** A tile or bundle within the published checkpoint: what is not signed yet may still be told otherwise after a crash. */
async function readTile(deps: Pick<Deps, 'store' | 'log'>, path: string): Promise<Buffer> {
  const missing = new Fault('not_found', { detail: 'The published log has no such tile' })
  let id: string
  let wanted: ReturnType<typeof parseTilePath>
  try {
    wanted = parseTilePath(path)
    id = wanted.level === 'entries' ? entriesPath(wanted.index) : tilePath(wanted.level, wanted.index)
  } catch {
    throw missing
  }
  const published = (await deps.log.latestCheckpoint())?.size ?? 0
  const level = wanted.level === 'entries' ? 0 : wanted.level
  const width = Math.min(TILE_WIDTH, Math.floor(published / TILE_WIDTH ** level) - wanted.index * TILE_WIDTH)
  if (wanted.width > width) throw missing
  const tile = await deps.store.get(tiles, id)
  if (!tile) throw missing
  const pieceBytes = wanted.level === 'entries' ? entryFrameBytes : hashBytes
  return Buffer.from(tile.bytes.subarray(0, wanted.width * pieceBytes))
}
