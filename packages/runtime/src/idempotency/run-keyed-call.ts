import { errorTable, Fault } from '@tallystick/protocol'
import type { ErrorCode } from '@tallystick/protocol'
import { problemDocument, toTrpcError } from '../problem.ts'
import type { Answer, RequestContext } from '../api.ts'
import type { ClaimDeps } from './claim-key.ts'
import type { KeyedCall, Outcome } from './keyed-call.ts'
import { readKey, recordId, requestDigest } from './request-identity.ts'
import type { KeptAnswer } from './records.ts'
import { runByKey } from './run-by-key.ts'
import type { KeyedChange, KeyedRequest } from './run-by-key.ts'
import { sealAnswer, unsealAnswer } from './seal-answer.ts'

export const jsonType = 'application/json; charset=utf-8'
export const problemType = 'application/problem+json; charset=utf-8'

/** What a request's context holds for its idempotency. */
export interface KeyedContext extends Pick<RequestContext<unknown>, 'caller' | 'requestHeader' | 'describe'> {
  requestKey: string
  /** The body's `idempotency_key`, taken out before the input is checked. */
  bodyKey: unknown
  /** How `once` makes its change when the request has a key. */
  change: KeyedChange | undefined
  answer: OpenAnswer
}

/** An answer under construction, with what the shell reads back from it. */
export interface OpenAnswer extends Answer {
  code: number | undefined
  contentType: string | undefined
  body: string | Uint8Array | undefined
  pieces: AsyncIterable<string> | undefined
  headers: Record<string, string> | undefined
  /** The first answer to this request's idempotency key, to be sent in place of any other. */
  replay: KeptAnswer | undefined
}

/** Runs a procedure under the key that the request carries, if it does. Throws Fault. */
export async function runKeyedCall(
  claims: ClaimDeps | undefined,
  ctx: KeyedContext,
  call: KeyedCall,
  { face, run }: { face: 'rest' | 'trpc'; run: () => Promise<Outcome> },
): Promise<Outcome> {
  const key = readKey(ctx.requestHeader('idempotency-key'), ctx.bodyKey)
  if (key === undefined) {
    if (call.meta.idempotency === 'required') throw new Fault('idempotency_key_missing')
    return run()
  }
  const { caller } = ctx
  if (!claims || !caller)
    throw new Error(`${call.name} takes idempotency keys: it needs a store and a caller`)
  if (ctx.change) throw new Fault('bad_request', { detail: 'A batch cannot share one idempotency key' })
  const id = recordId(caller, key)
  ctx.requestKey = `once_${id.slice(0, 40)}`
  const { rest, secretAnswer } = call.meta
  const route = rest ? `${rest.method} ${rest.path}` : call.name
  // A secret was told to one key: to another key of the account this is another request.
  const operation = secretAnswer ? `${route} ${caller.keyId}` : route
  const digest = requestDigest(operation, call.input)
  try {
    return await runByKey(claims, keyedRequest(ctx, call, { id, digest, face }), run)
  } catch (error) {
    if (error instanceof Fault && error.code === 'idempotency_in_progress')
      ctx.answer.header('retry-after', '1')
    throw error
  }
}

function keyedRequest(
  ctx: KeyedContext,
  { meta, output }: KeyedCall,
  { id, digest, face }: { id: string; digest: string; face: 'rest' | 'trpc' },
): KeyedRequest {
  const { answer } = ctx
  const status = () => answer.code ?? meta.rest?.status ?? 200
  const { seal, unseal } = sealOf(ctx, meta.secretAnswer ?? false)
  async function plainAnswer(data: unknown): Promise<KeptAnswer> {
    const { headers, body, contentType } = answer
    if (body !== undefined) return { status: status(), contentType, headers, body }
    const told = output ? await output.parseAsync(data) : data
    if (told === undefined) return { status: status(), headers }
    return { status: status(), contentType: jsonType, headers, body: JSON.stringify(told) }
  }
  return {
    id,
    digest,
    status,
    answerOf: async (data) => seal(await plainAnswer(data)),
    refusalOf(fault) {
      const body = JSON.stringify(ctx.describe(fault))
      return { status: errorTable[fault.code].status, contentType: problemType, body }
    },
    replay(stored) {
      const kept = unseal(stored)
      for (const [name, value] of Object.entries(kept.headers ?? {})) answer.header(name, value)
      answer.header('idempotent-replayed', 'true')
      if (face === 'trpc') return asOutcome(kept)
      answer.replay = kept
      // Whatever comes between here and the REST route must not touch the bytes: an error passes all of it.
      return { ok: false, error: toTrpcError(new Fault('internal', { detail: 'replayed' })) }
    },
    claimed(change) {
      ctx.change = change
    },
  }
}

/** How an answer with a secret is kept: readable only with the key that it was told to. Refusals hold no secret. */
function sealOf(ctx: KeyedContext, secret: boolean): Record<'seal' | 'unseal', typeof sameAnswer> {
  const key = ctx.requestHeader('authorization')?.replace(/^Bearer +/i, '')
  if (!secret || key === undefined) return { seal: sameAnswer, unseal: sameAnswer }
  const turn = (change: typeof sealAnswer | typeof unsealAnswer) => (kept: KeptAnswer) => {
    const { status, body } = kept
    return body === undefined || status >= 400 ? kept : { ...kept, body: change(Buffer.from(body), key) }
  }
  return { seal: turn(sealAnswer), unseal: turn(unsealAnswer) }
}

function sameAnswer(kept: KeptAnswer): KeptAnswer {
  return kept
}

function asOutcome({ status, body }: KeptAnswer): Outcome {
  const value: unknown = body === undefined ? undefined : JSON.parse(Buffer.from(body).toString())
  if (status < 400) return { ok: true, data: value }
  const { code, detail, errors } = problemDocument.parse(value)
  const known = Object.hasOwn(errorTable, code) ? (code as ErrorCode) : 'internal'
  const plain = errors?.map(({ pointer, message, fix }) => ({ pointer, message, ...(fix && { fix }) }))
  const fault = new Fault(known, { detail, ...(plain && { errors: plain }) })
  return { ok: false, error: toTrpcError(fault) }
}
