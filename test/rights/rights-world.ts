import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { newTenant } from '@tallystick/protocol'
import type { Mode, RatePlans } from '@tallystick/runtime'
import { readAnswer, sendHttp } from '@tallystick/runtime/test-http'
import type { HttpAnswer } from '@tallystick/runtime/test-http'
import { startStandalone } from '../../services/standalone/src/start-standalone.ts'
import { readApi } from './api-document.ts'
import type { ApiOperation } from './api-document.ts'

/** A marketplace in one mode, with its operator's key. */
export interface Market {
  mode: Mode
  tenant: string
  key: string
}

/** All services in both modes behind one port, as a stranger meets them. */
export interface RightsWorld {
  url: string
  operations: readonly ApiOperation[]
  /** Founds marketplaces and makes keys for services, in its mode. */
  platformKey: Readonly<Record<Mode, string>>
  dataDirectory: string
  found(name: string, mode: Mode): Promise<Market>
  call(method: string, path: string, sent?: Sent): Promise<HttpAnswer>
  close(): Promise<void>
}

/** What is sent; a POST gets a fresh idempotency key unless its headers name one, or `keyless` is set. */
export interface Sent {
  key?: string | undefined
  body?: unknown
  headers?: Record<string, string>
  keyless?: boolean
}

/** What a world's servers put up with. */
interface Limits {
  ratePlans?: RatePlans
  bodySeconds?: number
}

/** Starts an empty world, with other limits than the standard ones where they are told. */
export async function startRightsWorld({ ratePlans, bodySeconds }: Limits = {}): Promise<RightsWorld> {
  const dataDirectory = mkdtempSync(join(tmpdir(), 'tallystick-rights-'))
  const serverVariables = {
    ...(ratePlans && { RATE_PLANS: JSON.stringify(ratePlans) }),
    ...(bodySeconds !== undefined && { BODY_SECONDS: String(bodySeconds) }),
  }
  const server = await startStandalone({ port: 0, dataDirectory, logLevel: 'fatal', serverVariables })
  const { url, operatorKeys } = server
  const platformKey = { test: operatorKeys.test ?? '', live: operatorKeys.live ?? '' }
  const call: RightsWorld['call'] = (method, path, { headers, keyless = false, ...sent } = {}) => {
    const keyed = method === 'POST' && !keyless
    const fresh = keyed ? { 'idempotency-key': crypto.randomUUID() } : {}
    return sendHttp(method, url + path, { ...sent, headers: { ...fresh, ...headers } })
  }
  return {
    url,
    operations: await readApi(url),
    platformKey,
    dataDirectory,
    async found(name, mode) {
      const answer = await call('POST', '/v1/tenants', { key: platformKey[mode], body: { name } })
      const { id, api_key } = readAnswer(newTenant, answer, 201)
      return { mode, tenant: id, key: api_key.secret ?? '' }
    },
    call,
    async close() {
      await server.lifecycle.stop('the test is over')
      rmSync(dataDirectory, { recursive: true, force: true })
    },
  }
}
