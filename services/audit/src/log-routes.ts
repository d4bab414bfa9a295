import { entriesPath, parseTilePath, TILE_WIDTH, tilePath } from '@tallystick/merkle'
import { Fault } from '@tallystick/protocol'
import { formatKeySet } from '@tallystick/receipt'
import { z } from 'zod'
import { api } from './api.ts'
import { tiles } from './collections.ts'
import type { Deps } from './deps.ts'

const forever = 'public, max-age=31536000, immutable'
const entryFrameBytes = 34
const hashBytes = 32

const ofLog = { tags: ['Log'], scope: 'public', errors: ['not_found'] } as const

/** `/log/*` (C2SP tlog-tiles) and `/.well-known/jwks.json`: public, static, for any client and any cache. */
export const logRoutes = {
  checkpoint: api
    .procedure({
      ...ofLog,
      summary: 'The newest signed head of the log',
      description: 'A C2SP tlog-checkpoint in a signed note.',
      rest: { method: 'GET', path: '/log/checkpoint', produces: ['text/plain'] },
    })
    .output(z.void())
    .query(async ({ ctx: { deps, answer } }) => {
      const checkpoint = await deps.log.latestCheckpoint()
      if (!checkpoint) throw new Fault('not_found', { detail: 'No checkpoint is published yet' })
      answer.header('cache-control', 'no-cache')
      answer.raw('text/plain; charset=utf-8', checkpoint.note)
    }),

  tile: api
    .procedure({
      ...ofLog,
      summary: 'A tile or an entry bundle of the log',
      description:
        'As C2SP tlog-tiles names them: `<level>/<index>` or `entries/<index>`, with `.p/<width>` for a partial one. Immutable.',
      rest: { method: 'GET', path: '/log/tile/{tile+}', produces: ['application/octet-stream'] },
      examples: [{ input: { tile: '0/000.p/1' } }, { input: { tile: 'entries/000.p/1' } }],
    })
    .input(z.strictObject({ tile: z.string().max(200).meta({ description: 'May have slashes.' }) }))
    .output(z.void())
    .query(async ({ ctx: { deps, answer }, input }) => {
      const bytes = await readTile(deps, `tile/${input.tile}`)
      answer.header('cache-control', forever)
      answer.raw('application/octet-stream', bytes)
    }),

  keySet: api
    .procedure({
      ...ofLog,
      errors: [],
      summary: 'The keys that receipts are signed with, retired ones too',
      rest: { method: 'GET', path: '/.well-known/jwks.json', produces: ['application/jwk-set+json'] },
    })
    .output(z.void())
    .query(({ ctx: { deps, answer } }) => {
      answer.header('cache-control', 'public, max-age=300')
      answer.raw('application/jwk-set+json', formatKeySet(deps.keySet().keys))
    }),
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
