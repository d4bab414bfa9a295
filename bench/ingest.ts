import { setTimeout as pause } from 'node:timers/promises'
import type { Child } from './child-process.ts'
import type { Listening } from './audit-child.ts'
import { httpOnce } from './http-load.ts'
import { sampleRecord } from './sample-records.ts'

/** A receipt as the service answers it. */
export interface Recorded {
  id: string
  receipt: string
}

/** How long `count` receipts took: until the last answer (signed and durable), and until all had their index. */
export interface Ingested {
  durableSeconds: number
  sequencedSeconds: number
  receipts: Recorded[]
}

const batchSize = 1000
const batchesInFlight = 2
const patienceMs = 120_000

/** Records `count` events in calls of 1,000, two calls in flight. */
export async function ingestBatches({ told }: Child<Listening>, count: number): Promise<Ingested> {
  const run = `b${Date.now()}`
  const bodies = Array.from({ length: count / batchSize }, (_, call) =>
    JSON.stringify({
      records: Array.from({ length: batchSize }, (_, place) => sampleRecord(run, call * batchSize + place)),
    }),
  )
  const answers: string[] = []
  const started = performance.now()
  const waiting = bodies.values()
  const send = async () => {
    for (const body of waiting) answers.push(await post(told, body))
  }
  await Promise.all(Array.from({ length: batchesInFlight }, send))
  const durableSeconds = (performance.now() - started) / 1000
  const receipts = answers.flatMap(readAnswer)
  await sequenced(told, receipts.slice(-batchSize * batchesInFlight))
  return { durableSeconds, sequencedSeconds: (performance.now() - started) / 1000, receipts }
}

/** Records `count` events one to a call, 32 calls in flight: requests a second and their latency. */
export async function ingestSingles({ told }: Child<Listening>, count: number) {
  const run = `s${Date.now()}`
  const started = performance.now()
  const load = await httpOnce(
    told.url,
    (turn) => ({
      method: 'POST',
      path: '/v1/audit/records',
      headers: headersOf(told),
      body: JSON.stringify({ records: [sampleRecord(run, turn)] }),
    }),
    count,
  )
  const [last] = readAnswer(await post(told, JSON.stringify({ records: [sampleRecord(`${run}-last`, 0)] })))
  if (last) await sequenced(told, [last])
  return { ...load, sequencedRate: count / ((performance.now() - started) / 1000) }
}

/** Waits until the last of `receipts` has its place in the log. */
export async function sequenced(told: Listening, receipts: readonly Recorded[]): Promise<void> {
  const end = performance.now() + patienceMs
  for (const { id } of [receipts[0], receipts.at(-1)].filter((one) => one !== undefined)) {
    for (;;) {
      const answer = await fetch(`${told.url}/v1/audit/${id}`, { headers: headersOf(told) })
      const { index } = (await answer.json()) as { index?: number }
      if (index !== undefined) break
      if (performance.now() > end) throw new Error('the sequencer does not keep up')
      await pause(5)
    }
  }
}

/** The headers of a caller that may record and read. */
export function headersOf({ key }: Listening): Record<string, string> {
  return { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
}

/** Sends records and gives the answer's text, to be read outside the measured time. */
export async function post(told: Listening, body: string): Promise<string> {
  const answer = await fetch(`${told.url}/v1/audit/records`, {
    method: 'POST',
    headers: headersOf(told),
    body,
  })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`recording answered ${answer.status}: ${text.slice(0, 300)}`)
  return text
}

/** The receipts of an answer. Throws when an event was refused. */
export function readAnswer(text: string): Recorded[] {
  const { data } = JSON.parse(text) as { data: { status: string; receipt: Recorded }[] }
  return data.map(({ status, receipt }) => {
    if (status !== 'recorded') throw new Error(`an event was ${status}`)
    return receipt
  })
}
