import { Worker } from 'node:worker_threads'
import type { InvoiceDocument } from './invoice-document.ts'
import type { RenderAnswer, RenderJob } from './render-worker.ts'

type Jobs = Map<number, PromiseWithResolvers<Uint8Array>>

let thread: { worker: Worker; jobs: Jobs } | undefined
let lastId = 0

/**
 * What renderPdf gives, made in a thread of its own: a long invoice in many scripts takes seconds, and other requests
 * would wait for it. One thread serves the process; it starts with the first invoice, and anew should it end.
 */
export function renderInThread(document: InvoiceDocument): Promise<Uint8Array> {
  thread ??= startThread()
  const job = Promise.withResolvers<Uint8Array>()
  const sent: RenderJob = { id: ++lastId, document }
  thread.jobs.set(sent.id, job)
  thread.worker.postMessage(sent)
  return job.promise
}

function startThread(): { worker: Worker; jobs: Jobs } {
  // It reads what strangers wrote, and so gets no secrets of the environment.
  const worker = new Worker(new URL('./render-worker.ts', import.meta.url), { env: {}, execArgv: [] })
  const jobs: Jobs = new Map()
  // The process may end when nothing else holds it.
  worker.unref()
  worker.on('message', (message: RenderAnswer) => {
    const job = jobs.get(message.id)
    jobs.delete(message.id)
    if ('pdf' in message) job?.resolve(message.pdf)
    else job?.reject(message.error)
  })
  let cause: unknown
  worker.once('error', (error) => {
    cause = error
  })
  worker.once('exit', () => {
    if (thread?.worker === worker) thread = undefined
    for (const job of jobs.values())
      job.reject(new Error('the thread that renders invoices ended', { cause }))
  })
  return { worker, jobs }
}
