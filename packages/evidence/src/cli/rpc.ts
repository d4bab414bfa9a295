import { z } from 'zod'
import { fetchText, FetchError } from './fetch-text.ts'

/** Why a chain could not be asked: unreachable, or an answer that is not JSON-RPC. */
export class RpcError extends Error {
  override readonly name = 'RpcError'
}

const limits = { maxBytes: 8 * 1024 * 1024, timeoutMs: 15_000 }

const answerSchema = z.union([
  z.object({ error: z.object({ message: z.string() }) }),
  z.object({ result: z.unknown() }),
])

const quantitySchema = z.string().regex(/^0x(?:0|[1-9a-f][0-9a-f]{0,12})$/)
const blockSchema = z.object({ hash: z.string().regex(/^0x[0-9a-f]{64}$/), number: quantitySchema })

/** Asks an EVM node over JSON-RPC and gives the result unparsed. Throws RpcError. */
export async function rpc(url: string, method: string, params: readonly unknown[]): Promise<unknown> {
  const text = await fetchText(url, limits, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  }).catch((error: unknown) => {
    if (error instanceof FetchError) throw new RpcError(`the chain: ${error.message}`, { cause: error })
    throw error
  })
  const answer = answerSchema.safeParse(parseJson(text))
  if (!answer.success) throw new RpcError(`the chain did not answer ${method} in JSON-RPC`)
  if ('error' in answer.data) throw new RpcError(`the chain refused ${method}: ${answer.data.error.message}`)
  return answer.data.result
}

/** The chain's CAIP-2 name, such as `eip155:11155111`. */
export async function chainOf(url: string): Promise<string> {
  return `eip155:${quantity(await rpc(url, 'eth_chainId', []), 'eth_chainId')}`
}

/** The block that the node holds for canonical at a number or tag, or undefined when it has none. */
export async function blockAt(
  url: string,
  at: number | 'finalized' | 'latest',
): Promise<{ number: number; hash: string } | undefined> {
  const tag = typeof at === 'number' ? `0x${at.toString(16)}` : at
  const result = await rpc(url, 'eth_getBlockByNumber', [tag, false])
  if (result === null || result === undefined) return undefined
  const block = blockSchema.safeParse(result)
  if (!block.success) throw new RpcError('the chain answered a block without hash and number')
  return { number: quantity(block.data.number, 'block number'), hash: block.data.hash }
}

/** Calls a view of a contract; gives the returned bytes as `0x…`. Throws RpcError when it reverts. */
export async function ethCall(
  url: string,
  contract: string,
  data: string,
  at: 'latest' | 'finalized' = 'latest',
): Promise<string> {
  return bytesOf(await rpc(url, 'eth_call', [{ to: contract, data }, at]), 'eth_call')
}

/** The code at an address as `0x…`; `0x` where there is none. Throws RpcError. */
export async function codeAt(url: string, contract: string): Promise<string> {
  return bytesOf(await rpc(url, 'eth_getCode', [contract, 'latest']), 'eth_getCode')
}

/** Where a transaction was mined, or undefined when the node does not know it. */
export async function transactionReceipt(
  url: string,
  hash: string,
): Promise<{ blockHash: string } | undefined> {
  const receipt = z
    .object({ blockHash: z.string() })
    .safeParse(await rpc(url, 'eth_getTransactionReceipt', [hash]))
  return receipt.success ? receipt.data : undefined
}

function bytesOf(value: unknown, method: string): string {
  const bytes = z
    .string()
    .regex(/^0x(?:[0-9a-f]{2})*$/)
    .safeParse(value)
  if (!bytes.success) throw new RpcError(`the chain answered ${method} without whole bytes`)
  return bytes.data
}

function quantity(value: unknown, what: string): number {
  const parsed = quantitySchema.safeParse(value)
  if (!parsed.success) throw new RpcError(`the chain answered no usable ${what}`)
  return Number(parsed.data)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
