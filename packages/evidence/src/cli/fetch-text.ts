/** Why a server gave no usable answer; the message is fit for a terminal. */
export class FetchError extends Error {
  override readonly name = 'FetchError'
}

/** How far a server is trusted with our time and memory. */
export interface FetchLimits {
  maxBytes: number
  timeoutMs: number
}

/**
 * Fetches a resource as bytes, with an upper bound on its size and on the time it takes, whatever the server
 * says its length is. Throws FetchError for anything but a 2xx answer.
 */
export async function fetchBytes(
  url: string,
  limits: FetchLimits,
  init: RequestInit = {},
): Promise<Uint8Array> {
  const where = describeUrl(url)
  try {
    const response = await fetch(url, { ...init, signal: AbortSignal.timeout(limits.timeoutMs) })
    if (!response.ok) {
      await response.body?.cancel()
      throw new FetchError(`${where} answered ${response.status}`)
    }
    const chunks: Uint8Array[] = []
    let sizeBytes = 0
    for await (const chunk of response.body ?? []) {
      sizeBytes += chunk.length
      if (sizeBytes > limits.maxBytes)
        throw new FetchError(`${where} sent more than ${limits.maxBytes} bytes`)
      chunks.push(chunk)
    }
    return Buffer.concat(chunks)
  } catch (error) {
    if (error instanceof FetchError) throw error
    throw new FetchError(`cannot fetch ${where}: ${reasonOf(error)}`, { cause: error })
  }
}

/** As `fetchBytes`, as UTF-8 text; bytes that are not UTF-8 are refused, and a byte order mark stays in the text. */
export async function fetchText(url: string, limits: FetchLimits, init: RequestInit = {}): Promise<string> {
  const bytes = await fetchBytes(url, limits, init)
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (error) {
    throw new FetchError(`${describeUrl(url)} did not answer in UTF-8`, { cause: error })
  }
}

/** The URL without user, password and query: RPC URLs carry API keys there. */
function describeUrl(url: string): string {
  if (!URL.canParse(url)) return 'that address'
  const { origin, pathname } = new URL(url)
  return pathname.startsWith('/v1/') || pathname.startsWith('/log/') ? `${origin}${pathname}` : origin
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown reason'
  if (error.name === 'TimeoutError') return 'no answer in time'
  const { cause } = error
  return cause instanceof Error && cause.message !== '' ? cause.message : error.message
}
