import { readFileSync } from 'node:fs'

/** What the proxy does with a path: the hosts behind it, or the status with which it is refused. */
export type Route = { hosts: readonly string[] } | { status: number }

/**
 * The routes of deploy/Caddyfile, as far as it uses the language: named path matchers in a snippet, one `handle` for each,
 * and the import of that snippet. Throws for a directive that is unknown here.
 */
export function readCaddyfile(): (path: string) => Route {
  const text = readFileSync(new URL('../../deploy/Caddyfile', import.meta.url), 'utf8')
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#') && line !== '}')
  const args =
    lines
      .find((line) => line.startsWith('import services '))
      ?.split(/ +/)
      .slice(2) ?? []
  const matchers = new Map<string, string[]>()
  const routes: { patterns: string[]; route: Route }[] = []
  let handled: string[] = []
  for (const line of lines) {
    const [directive = '', ...words] = line.split(/ +/)
    if (/^@\w+$/.test(directive) && words[0] === 'path') matchers.set(directive, words.slice(1))
    else if (directive === 'handle') handled = words[0] === '{' ? ['*'] : matcher(words[0])
    else if (directive === 'reverse_proxy')
      routes.push({ patterns: handled, route: { hosts: words.map(hostOf) } })
    else if (directive === 'respond')
      routes.push({ patterns: handled, route: { status: Number(words.at(-1)) } })
    else if (!['(services)', ':8787', 'import', 'header'].includes(directive))
      throw new Error(`unknown: ${line}`)
  }

  function matcher(name = ''): string[] {
    const found = matchers.get(name)
    if (!found) throw new Error(`no matcher ${name}`)
    return found
  }
  function hostOf(upstream: string): string {
    return upstream.replace(/\{args\[(\d)\]\}/, (_, place: string) => args[Number(place)] ?? 'missing')
  }
  // Caddy tries handles with a matcher first, the one without last.
  const inOrder = routes.toSorted(
    (a, b) => Number(a.patterns.includes('*')) - Number(b.patterns.includes('*')),
  )
  return (path) => {
    const found = inOrder.find(({ patterns }) => patterns.some((pattern) => matches(pattern, path)))
    if (!found) throw new Error(`the Caddyfile says nothing of ${path}`)
    return found.route
  }
}

/** Caddy's path matcher: exact, without regard to case, with a star at the end for any rest. */
function matches(pattern: string, path: string): boolean {
  const [wanted, given] = [pattern.toLowerCase(), path.toLowerCase()]
  return wanted.endsWith('*') ? given.startsWith(wanted.slice(0, -1)) : given === wanted
}
