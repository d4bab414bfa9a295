import type { ProcedureMeta } from './api.ts'

const readableElsewhere = 'Request-Id, RateLimit, RateLimit-Policy, Retry-After, Deprecation, Sunset'

/** The headers that every answer of a route has: what is public may be read by any web page, what goes says so. */
export function routeHeaders({ scope, rest, deprecated }: ProcedureMeta): [name: string, value: string][] {
  const headers: [string, string][] = []
  if (scope === 'public' && rest?.method === 'GET') {
    headers.push(['access-control-allow-origin', '*'])
    headers.push(['access-control-expose-headers', readableElsewhere])
  }
  return [...headers, ...deprecationHeaders(deprecated)]
}

/** What tells that a route will go: Deprecation (RFC 9745), Sunset (RFC 8594) and where its successor is explained. */
export function deprecationHeaders(deprecated: ProcedureMeta['deprecated']): [name: string, value: string][] {
  const headers: [string, string][] = []
  if (!deprecated) return headers
  const { since, sunset, link } = deprecated
  headers.push(['deprecation', `@${Math.floor(since.getTime() / 1000)}`])
  if (sunset) headers.push(['sunset', sunset.toUTCString()])
  if (link) headers.push(['link', `<${link}>; rel="deprecation"; type="text/html"`])
  return headers
}
