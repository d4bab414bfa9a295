import { Worker } from 'node:worker_threads'
import { ReceiptError, type PrivateJwk } from '@tallystick/receipt'
import { SigningPoolError } from './signing-pool-error.ts'
import type { SigningAnswer, SigningJob, SigningWorkerData } from './signing-worker.ts'

/** How a thread ended; `wasReady` is false when it never came to serve. */
export interface ThreadEnd {
  wasReady: boolean
  cause: unknown
}

/** One worker thread that signs chunks in the order in which it gets them. */
export class SigningThread {
  /** Settles when the thread is gone, after its open jobs were rejected. */
  readonly ended: Promise<ThreadEnd>
  readonly #worker: Worker
  readonly #jobs = new Map<number, PromiseWithResolvers<string[]>>()
  #nextId = 0
  #isReady = false
  #isGone = false

  constructor(keys: readonly PrivateJwk[]) {
    const workerData: SigningWorkerData = { keys: [...keys] }
    // Without the environment: a thread that holds keys needs no other secrets.
    this.#worker = new Worker(new URL('./signing-worker.ts', import.meta.url), {
      workerData,
      env: {},
      execArgv: [],
    })
    this.#worker.on('message', (message: SigningAnswer) => this.#settle(message))
    this.ended = new Promise((resolve) => {
      let cause: unknown
      this.#worker.once('error', (error) => {
        cause = error
      })
      this.#worker.once('exit', () => {
        this.#isGone = true
        this.#rejectAll(cause)
        resolve({ wasReady: this.#isReady, cause })
      })
    })
  }

  /** The number of chunks that wait for an answer; infinite once the thread is gone, so nobody hands it another. */
  get load(): number {
    return this.#isGone ? Number.POSITIVE_INFINITY : this.#jobs.size
  }

  /** Signs a JSON array of payloads. Rejects with ReceiptError, or with SigningPoolError `thread_died`. */
  sign(payloads: string): Promise<string[]> {
    const job: SigningJob = { id: this.#nextId++, payloads }
    const outcome = Promise.withResolvers<string[]>()
    this.#jobs.set(job.id, outcome)
    this.#worker.postMessage(job, [])
    return outcome.promise
  }

  /** Ends the thread at once; jobs that are still open are rejected. */
  async stop(): Promise<void> {
    await this.#worker.terminate()
  }

  #settle(message: SigningAnswer): void {
    if (message.kind === 'ready') {
      this.#isReady = true
      return
    }
    const job = this.#jobs.get(message.id)
    this.#jobs.delete(message.id)
    if (message.kind === 'signed') job?.resolve(message.receipts.split('\n'))
    else job?.reject(new ReceiptError(message.code, message.message))
  }

  #rejectAll(cause: unknown): void {
    const error = new SigningPoolError('thread_died', 'the signing thread died under its jobs', { cause })
    for (const job of this.#jobs.values()) job.reject(error)
    this.#jobs.clear()
  }
}
