import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { sendHttp } from '@tallystick/runtime/test-http'
import type { HttpAnswer } from '@tallystick/runtime/test-http'
import { testDatabase } from '@tallystick/storage/test-database'
import type { TestDatabase } from '@tallystick/storage/test-database'
import { readCaddyfile } from './caddyfile.ts'
import { readComposeFile } from './compose-file.ts'
import { openDoor } from './door.ts'
import type { Door } from './door.ts'
import { makeKeys } from './first-start.ts'
import { names, relocate } from './relocate.ts'
import type { Name } from './relocate.ts'
import { startService } from './service-process.ts'
import type { Environment, ServiceProcess } from './service-process.ts'

/** What is sent; a POST gets a fresh idempotency key unless its headers name one. */
export interface Sent {
  key?: string
  body?: unknown
  headers?: Record<string, string>
  /** Sent to this address in place of the service that the Caddyfile names. */
  url?: string
}

/** The services in a process each, on one test database, with the keys that the documented commands make. */
export interface SeparateWorld {
  tenant: string
  /** Of the marketplace's operator, with the scope `platform`. */
  operatorKey: string
  folder: string
  doors: Readonly<Record<Name, Door>>
  running: ReadonlyMap<Name, ServiceProcess>
  environment(name: Name): Environment
  /** Starts another process of a service; it is ended with the world, and no door leads to it. */
  spawn(name: Name, environment?: Environment): ServiceProcess
  /** Starts a service behind its door, and waits until it is ready. */
  start(name: Name): Promise<void>
  /** Ends a service; its door is closed. */
  end(name: Name, signal: NodeJS.Signals): Promise<number | null>
  /** Sends a request to the service behind the path. */
  call(method: string, path: string, sent?: Sent): Promise<HttpAnswer>
  close(): Promise<void>
}

/** Asks again until there is an answer, for two minutes at most. */
export async function until<T>(what: string, ask: () => Promise<T | undefined>): Promise<T> {
  for (const end = performance.now() + 120_000; performance.now() < end; await pause(50)) {
    const found = await ask()
    if (found !== undefined) return found
  }
  throw new Error(`${what}: not within two minutes`)
}

/** Makes keys by the commands of docs/operations.md and starts all services as docker-compose.yml does. */
export async function startSeparateWorld(): Promise<SeparateWorld> {
  const folder = mkdtempSync(join(tmpdir(), 'tallystick-separate-'))
  const database = await testDatabase()
  try {
    return await startIn(folder, database)
  } catch (error) {
    await database.drop()
    rmSync(folder, { recursive: true, force: true })
    throw error
  }
}

async function startIn(folder: string, database: TestDatabase): Promise<SeparateWorld> {
  // Loading is most of a start: what one process compiled, the next need not.
  const cache = { NODE_COMPILE_CACHE: join(folder, 'compiled') }
  const { tenant, operatorKey } = await makeKeys(folder, database.url, cache)
  const opened = await Promise.all(names.map(async (name) => [name, await openDoor()] as const))
  const doors = Object.fromEntries(opened) as Record<Name, Door>
  const { services } = readComposeFile()
  const routeOf = readCaddyfile()
  const running = new Map<Name, ServiceProcess>()
  const spawned: ServiceProcess[] = []

  const environment = (name: Name) =>
    relocate(services[name]?.environment ?? {}, { database: database.url, folder, doors })
  const spawn = (name: Name, env = environment(name)) => {
    const process = startService(services[name]?.command ?? [], { ...cache, ...env })
    spawned.push(process)
    return process
  }
  const world: SeparateWorld = {
    tenant,
    operatorKey,
    folder,
    doors,
    running,
    environment,
    spawn,
    async start(name) {
      const process = spawn(name)
      running.set(name, process)
      doors[name].lead(await process.listening)
      const { url } = doors[name]
      await until(`${name} is ready`, async () => {
        const { status } = await sendHttp('GET', `${url}/readyz`)
        return status === 200 ? true : undefined
      })
    },
    async end(name, signal) {
      doors[name].lead(undefined)
      const code = await running.get(name)?.end(signal)
      running.delete(name)
      return code ?? null
    },
    call(method, path, { url, headers, ...sent } = {}) {
      const route = routeOf(path.split('?', 1)[0] ?? path)
      const host = 'hosts' in route ? names.find((name) => route.hosts[0] === `${name}:8080`) : undefined
      if (host === undefined) throw new Error(`the proxy refuses ${path}`)
      const fresh = method === 'POST' ? { 'idempotency-key': crypto.randomUUID() } : {}
      return sendHttp(method, (url ?? doors[host].url) + path, { ...sent, headers: { ...fresh, ...headers } })
    },
    async close() {
      for (const name of names) doors[name].lead(undefined)
      await Promise.all(spawned.map((process) => process.end('SIGKILL')))
      await Promise.all(names.map((name) => doors[name].close()))
      await database.drop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
  try {
    await Promise.all(names.map((name) => world.start(name)))
    return world
  } catch (error) {
    await world.close()
    throw error
  }
}
