/** Paths as API documents write them, and who answers them. */
export interface OwnedPaths {
  owner: string
  paths: readonly string[]
}

/**
 * Who answers a path: the owner of the longest run of whole segments that it begins with. Templates such as
 * `/v1/accounts/{account_id}` count up to their first parameter. Throws when two owners claim the same beginning.
 */
export function prefixTable(owned: readonly OwnedPaths[]): (path: string) => string | undefined {
  const owners = new Map<string, string>()
  for (const { owner, paths } of owned) {
    for (const path of paths) {
      const prefix = path.replace(/\/\{.*$/, '')
      const other = owners.get(prefix)
      if (other !== undefined && other !== owner)
        throw new Error(`${owner} and ${other} both serve ${prefix}`)
      owners.set(prefix, owner)
    }
  }
  return (path) => {
    for (let rest = path; rest !== ''; rest = rest.slice(0, rest.lastIndexOf('/'))) {
      const owner = owners.get(rest)
      if (owner !== undefined) return owner
    }
    return undefined
  }
}
