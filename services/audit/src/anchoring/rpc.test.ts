import { afterEach, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { startAnvil } from './anvil-process.ts'
import type { Anvil } from './anvil-process.ts'
import { failoverRpc } from './rpc.ts'
import { startProxy } from './rpc-proxy.ts'
import type { RpcProxy } from './rpc-proxy.ts'

let anvil: Anvil
let proxy: RpcProxy

beforeEach(async () => {
  anvil = await startAnvil()
  proxy = await startProxy(anvil.url)
})
afterEach(async () => {
  await proxy.close()
  await anvil.stop()
})

const open = (urls: string[]) => failoverRpc({ chainId: 31337, urls, timeoutMs: 5000 })

test("a URL's user and password are sent as a header and never told", async () => {
  const { host } = new URL(proxy.url)
  const rpc = open([`http://user:p%40ss@${host}/`])
  await rpc.request('eth_blockNumber', [], z.string())
  expect(proxy.authorization).toBe(`Basic ${Buffer.from('user:p@ss').toString('base64')}`)
  proxy.misbehavior = { by: 'status' }
  await expect(rpc.request('eth_blockNumber', [], z.string())).rejects.toThrow(`${host}: HTTP status 503`)
})

test('the URL that served last is asked first', async () => {
  proxy.misbehavior = { by: 'drop' }
  const rpc = open([proxy.url, anvil.url])
  await rpc.request('eth_blockNumber', [], z.string())
  const asked = proxy.asked.length
  await rpc.request('eth_blockNumber', [], z.string())
  expect(proxy.asked).toHaveLength(asked)
})

test('a URL that failed has to name its chain again before it is believed', async () => {
  const rpc = open([proxy.url])
  await rpc.request('eth_blockNumber', [], z.string())
  proxy.misbehavior = { by: 'drop' }
  await expect(rpc.request('eth_blockNumber', [], z.string())).rejects.toThrow('no connection')
  proxy.misbehavior = { method: 'eth_chainId', by: 'result', result: '0x1' }
  await expect(rpc.request('eth_blockNumber', [], z.string())).rejects.toMatchObject({ code: 'wrong_chain' })
})

test('an answer of endless length is given up', async () => {
  proxy.misbehavior = { by: 'result', result: 'x'.repeat(17 * 1024 * 1024) }
  await expect(open([proxy.url]).request('eth_blockNumber', [], z.string())).rejects.toThrow('too large')
})
