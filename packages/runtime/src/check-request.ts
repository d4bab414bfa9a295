import type { IncomingMessage } from 'node:http'
import { Fault } from '@tallystick/protocol'

/** Headers of which a request has one at most. Readers differ in which of two they take, and some join them. */
const single = [
  'host',
  'content-type',
  'content-encoding',
  'authorization',
  'idempotency-key',
  'tallystick-tenant',
  'stripe-signature',
]
const marks = new Map(single.map((name, place) => [markOf(name), 1 << place]))
const bodiless = new Set(['GET', 'HEAD', 'DELETE'])

/** Why a request is refused whatever its route, before anything of its body is read; undefined for most. */
export function checkRequest(request: IncomingMessage): Fault | undefined {
  const { headers, method = '', url = '' } = request
  const twice = givenTwice(request.rawHeaders)
  if (twice !== undefined) return bad(`The header ${twice} is given more than once`)
  // RFC 9112, section 3.2.
  if (headers.host === undefined && request.httpVersion === '1.1') return bad('The header host is missing')
  const query = url.indexOf('?')
  if (query >= 0 && url.includes('%', query) && !isDecodable(url.slice(query)))
    return bad('The query is not percent-encoded UTF-8')
  return faultOfBody(headers, method)
}

function faultOfBody(headers: IncomingMessage['headers'], method: string): Fault | undefined {
  const length = headers['content-length']
  const coding = headers['transfer-encoding']
  if (coding === undefined && (length === undefined || length === '0')) return undefined
  // What is sent must not be dropped in silence, nor be taken for the next request by somebody else.
  if (bodiless.has(method)) return bad(`A request with the method ${method} has no body`)
  if (coding !== undefined && coding.toLowerCase() !== 'chunked')
    return bad('The transfer coding is not chunked alone')
  if ((headers['content-encoding'] ?? 'identity').toLowerCase() !== 'identity')
    return new Fault('unsupported_media_type', { detail: 'The body is compressed; send it as it is' })
  const type = headers['content-type'] ?? ''
  const charset = type.includes(';') ? /;\s*charset="?([^";\s]*)/i.exec(type)?.[1] : undefined
  if (charset !== undefined && !/^(utf-?8|us-ascii)$/i.test(charset))
    return new Fault('unsupported_media_type', { detail: 'The body is not in UTF-8' })
  return undefined
}

/**
 * The first header that a request has twice and may have once. Names are told apart by length and first letter, as far
 * as that goes: this runs for every request.
 */
function givenTwice(rawHeaders: readonly string[]): string | undefined {
  let seen = 0
  for (let place = 0; place < rawHeaders.length; place += 2) {
    const mark = marks.get(markOf(rawHeaders[place] ?? ''))
    if (mark === undefined) continue
    if ((seen & mark) !== 0) return surelyTwice(rawHeaders)
    seen |= mark
  }
  return undefined
}

function markOf(name: string): number {
  // As a lower-case letter.
  return name.length * 32 + ((name.charCodeAt(0) | 32) & 31)
}

function surelyTwice(rawHeaders: readonly string[]): string | undefined {
  const seen = new Set<string>()
  for (let place = 0; place < rawHeaders.length; place += 2) {
    const name = (rawHeaders[place] ?? '').toLowerCase()
    if (single.includes(name) && seen.has(name)) return name
    seen.add(name)
  }
  return undefined
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    return false
  }
}

function bad(detail: string): Fault {
  return new Fault('bad_request', { detail })
}
