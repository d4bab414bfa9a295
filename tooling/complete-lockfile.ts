import { readFileSync, writeFileSync } from 'node:fs'

interface LockEntry {
  version?: string
  optional?: boolean
  os?: string[]
  cpu?: string[]
  libc?: string[]
  optionalDependencies?: Record<string, string>
}

/** The `os`, `cpu` and `libc` that a platform package's name tells, as npm writes them. */
export function platformOf(name: string): Pick<LockEntry, 'os' | 'cpu' | 'libc'> {
  const os =
    /(?:^|[-/])(aix|android|darwin|freebsd|linux|netbsd|openbsd|openharmony|sunos|win32|windows|win)(?:[-_]|$)/.exec(
      name,
    )?.[1]
  const cpu = /[-_](arm64|x64|ia32|arm|ppc64|riscv64|s390x|loong64|mips64el|amd64|wasm32|64)(?:[-_]|$)/.exec(
    name,
  )?.[1]
  const osNames: Record<string, string> = { windows: 'win32', win: 'win32' }
  const cpuNames: Record<string, string> = { amd64: 'x64', '64': 'x64' }
  const libc = /[-_](musl|gnu)/.exec(name)?.[1]
  return {
    ...(os && { os: [osNames[os] ?? os] }),
    ...(cpu && { cpu: [cpuNames[cpu] ?? cpu] }),
    ...(libc && { libc: [libc === 'gnu' ? 'glibc' : libc] }),
  }
}

/**
 * Adds the optional platform packages that npm left out of the lock file because the registry did not have them:
 * `npm ci` asks for each of them by name, and refuses to start otherwise. Returns the names added.
 */
export function completeLockfile(packages: Record<string, LockEntry>): string[] {
  const added: string[] = []
  for (const [path, entry] of Object.entries(packages)) {
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      const places = [`${path}/node_modules/${name}`, `node_modules/${name}`]
      if (places.some((place) => packages[place]) || !/^\d/.test(version)) continue
      const platform = platformOf(name)
      if (!platform.os && !platform.cpu) continue
      packages[`node_modules/${name}`] = { version, ...platform, optional: true }
      added.push(`${name}@${version}`)
    }
  }
  return added
}

if (import.meta.main) {
  const path = new URL('../package-lock.json', import.meta.url)
  const lock = JSON.parse(readFileSync(path, 'utf8')) as { packages: Record<string, LockEntry> }
  const added = completeLockfile(lock.packages)
  writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`)
  console.log(added.length === 0 ? 'package-lock.json is complete' : `added ${added.join(', ')}`)
}
