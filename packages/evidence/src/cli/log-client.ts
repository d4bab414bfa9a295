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

/** The keys and anchor contracts that a service publishes. */
export interface PublishedKeys {
  jwks: KeySet
  logKey: string
  contracts: KnownContract[]
}

/** An anchor contract, its address in lower case. */
export interface KnownContract {
  chain: string
  address: string
}

const chain = z.string().regex(/^eip155:[1-9][0-9]{0,15}$/)
const contract = z
  .string()
  .toLowerCase()
  .regex(/^0x[0-9a-f]{40}$/)
const keysSchema = z.object({
  jwks: z.unknown(),
  log: z.object({ key: z.string().max(512) }),
  chains: z.array(z.object({ chain, contract })).max(100).default([]),
})

/** Fetches `/v1/keys`. */
export async function fetchKeys(url: string): Promise<PublishedKeys> {
  const answer = keysSchema.safeParse(await fetchJson(`${url}/v1/keys`))
  if (!answer.success) throw new FetchError(`${url}/v1/keys does not name a key set and a log key`)
  try {
    const contracts = answer.data.chains.map(({ chain, contract }) => ({ chain, address: contract }))
    return { jwks: parseKeySet(answer.data.jwks), logKey: answer.data.log.key, contracts }
  } catch (cause) {
    if (!(cause instanceof ReceiptError)) throw cause
    throw new FetchError(`the key set of ${url}: ${cause.message}`, { cause })
  }
}

const onChainStates = new Set(['mined', 'final'])
const anchorsSchema = z.object({ data: z.array(z.looseObject({ state: z.string() })).max(1000) })
const anchorSchema = z.object({
  chain,
  contract,
  size: z.int().positive(),
  root: z.string().regex(/^sha256:[0-9a-f]{64}$/),
})

/** An anchor that the service lists as being on chain. */
export type ListedAnchor = z.output<typeof anchorSchema>

/** Fetches the newest page of `/v1/anchors`: those that are in a block. */
export async function fetchAnchors(url: string): Promise<ListedAnchor[]> {
  const page = anchorsSchema.safeParse(await fetchJson(`${url}/v1/anchors?limit=100`))
  const onChain = page.data?.data.filter(({ state }) => onChainStates.has(state))
  const anchors = z.array(anchorSchema).safeParse(onChain)
  if (!anchors.success) throw new FetchError(`${url}/v1/anchors is not a list of anchors`)
  return anchors.data
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
