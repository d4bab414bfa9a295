import type { AuditRecord } from '@tallystick/protocol'
import type { z } from 'zod'
import type { AuditSink } from './audit-events.ts'
import { problemDocument } from './problem.ts'
import type { ProblemDocument } from './problem.ts'

/** An HTTP answer, read to its end. */
export interface HttpAnswer {
  status: number
  headers: Headers
  text: string
  /** The parsed body, when it is JSON. */
  json: unknown
}

/** What is sent. Text, bytes and streams go as they are, all else as JSON. */
export interface HttpSent {
  key?: string | undefined
  body?: unknown
  headers?: Record<string, string> | undefined
}

/** Sends a request as a client of the API does, and reads the answer to its end. */
export async function sendHttp(
  method: string,
  url: string,
  { key, body, headers = {} }: HttpSent = {},
): Promise<HttpAnswer> {
  const asIs = typeof body === 'string' || body instanceof Uint8Array || body instanceof ReadableStream
  const sent = asIs ? (body as NonNullable<RequestInit['body']>) : JSON.stringify(body)
  const response = await fetch(url, {
    method,
    ...(body !== undefined && { body: sent, duplex: 'half' }),
    headers: {
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(key !== undefined && { authorization: `Bearer ${key}` }),
      ...headers,
    },
  })
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.includes('json') === true
  return {
    status: response.status,
    headers: response.headers,
    text,
    json: isJson ? JSON.parse(text) : undefined,
  }
}

/** The JSON of an answer with `status` in its documented shape. Throws for any other answer. */
export function readAnswer<T extends z.ZodType>(schema: T, answer: HttpAnswer, status = 200): z.output<T> {
  if (answer.status !== status) throw new Error(`status ${answer.status}: ${answer.text}`)
  return schema.parse(answer.json)
}

/** The problem document of a refusal. Throws when the answer is none. */
export function problemOf(answer: HttpAnswer): ProblemDocument {
  const type = answer.headers.get('content-type') ?? ''
  if (!type.startsWith('application/problem+json'))
    throw new Error(`${answer.status} ${type}: ${answer.text}`)
  return problemDocument.parse(answer.json)
}

/** Asks again until there is an answer, for two minutes at most. */
export async function until<T>(ask: () => T | undefined | Promise<T | undefined>): Promise<T> {
  const end = performance.now() + 120_000
  for (;;) {
    const found = await ask()
    if (found !== undefined) return found
    if (performance.now() > end) throw new Error('it did not come within two minutes')
    const { promise, resolve } = Promise.withResolvers<void>()
    setTimeout(resolve, 20)
    await promise
  }
}

/** An audit service in memory: records each event id of a tenant once, refuses it for other content. */
export function recordingSink(): { sink: AuditSink; recorded(tenant: string): readonly AuditRecord[] } {
  const byTenant = new Map<string, Map<string, AuditRecord>>()
  const sink: AuditSink = {
    async record(tenant, records) {
      const known = byTenant.get(tenant) ?? new Map<string, AuditRecord>()
      byTenant.set(tenant, known)
      return records.map((record) => {
        const { event } = record
        const before = known.get(event)
        if (!before) {
          known.set(event, record)
          return { status: 'recorded', event }
        }
        if (JSON.stringify(before) === JSON.stringify(record)) return { status: 'duplicate', event }
        return { status: 'refused', event, error: { code: 'event_conflict', detail: 'other content' } }
      })
    },
  }
  return { sink, recorded: (tenant) => [...(byTenant.get(tenant)?.values() ?? [])] }
}
