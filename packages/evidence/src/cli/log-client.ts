import { tilePath } from '@tallystick/merkle'
import type { ReadTile } from '@tallystick/merkle'
import { parseKeySet, parseStrictJson, ReceiptError, StrictJsonError } from '@tallystick/receipt'
import type { KeySet } from '@tallystick/receipt'
import { z } from 'zod'
import { fetchBytes, FetchError, fetchText } from './fetch-text.ts'

const textLimits = { maxBytes: 2 * 1024 * 1024, timeoutMs: 15_000 }
const tileLimits = { maxBytes: 256 * 32, timeoutMs: 15_000 }

/** Fetches the newest signed checkpoint, as text. Throws FetchError, like all of this file. */
export function fetchCheckpoint(url: string): Promise<string> {
  return fetchText(`${url}/log/checkpoint`, { ...textLimits, maxBytes: 65_536 })
}

/** Reads tiles of a log by HTTP. A partial tile may be gone once it is full; then the full one has its hashes. */
export function httpTiles(url: string): ReadTile {
  return async (level, index, width) => {
    const full = `${url}/log/${tilePath(level, index)}`
    if (width === 256) return fetchBytes(full, tileLimits)
    try {
      return await fetchBytes(`${url}/log/${tilePath(level, index, width)}`, tileLimits)
    } catch (error) {
      if (!(error instanceof FetchError)) throw error
      return fetchBytes(full, tileLimits).catch(() => {
        throw error
      })
    }
  }
}

/** The keys that a service publishes. */
export interface PublishedKeys {
  jwks: KeySet
  logKey: string
}

const keysSchema = z.object({ jwks: z.unknown(), log: z.object({ key: z.string().max(512) }) })

/** Fetches `/v1/keys`. */
export async function fetchKeys(url: string): Promise<PublishedKeys> {
  const answer = keysSchema.safeParse(await fetchJson(`${url}/v1/keys`))
  if (!answer.success) throw new FetchError(`${url}/v1/keys does not name a key set and a log key`)
  try {
    return { jwks: parseKeySet(answer.data.jwks), logKey: answer.data.log.key }
  } catch (cause) {
    if (!(cause instanceof ReceiptError)) throw cause
    throw new FetchError(`the key set of ${url}: ${cause.message}`, { cause })
  }
}

const sizeSchema = z.coerce.number().int().positive().max(Number.MAX_SAFE_INTEGER)
const anchorsSchema = z.object({
  data: z.array(
    z.object({
      chain: z.string().max(100),
      contract: z.string().regex(/^0x[0-9a-fA-F]{40}$/),
      size: sizeSchema,
      root: z.string().regex(/^sha256:[0-9a-f]{64}$/),
      block: z.unknown().optional(),
    }),
  ),
})

/** An anchor as the service lists it; only those in a block. */
export interface ListedAnchor {
  chain: string
  contract: string
  size: number
  root: string
}

/** Fetches the newest page of `/v1/anchors`. */
export async function fetchAnchors(url: string): Promise<ListedAnchor[]> {
  const answer = anchorsSchema.safeParse(await fetchJson(`${url}/v1/anchors?limit=100`))
  if (!answer.success) throw new FetchError(`${url}/v1/anchors is not a list of anchors`)
  return answer.data.data
    .filter(({ block }) => block !== undefined && block !== null)
    .map(({ chain, contract, size, root }) => ({ chain, contract: contract.toLowerCase(), size, root }))
}

async function fetchJson(url: string): Promise<unknown> {
  const text = await fetchText(url, textLimits)
  try {
    return parseStrictJson(text, { maxDepth: 16, maxBytes: textLimits.maxBytes })
  } catch (cause) {
    if (!(cause instanceof StrictJsonError)) throw cause
    throw new FetchError('the server did not answer in JSON', { cause })
  }
}
