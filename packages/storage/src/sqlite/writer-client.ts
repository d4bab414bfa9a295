import { Worker } from 'node:worker_threads'
import { storageError, Unavailable } from '../errors.ts'
import type { Layout } from './layout.ts'
import type { Answer, Job, Operation, Outcome, Request } from './messages.ts'
import type { Log } from './log.ts'

/** How the writer thread is started. */
export interface WriterOptions {
  file: string
  /** How long a commit waits for other processes before it is Unavailable. */
  busyMs: number
  purgeEveryMs: number
  log: Log
}

interface Waiting {
  resolve: (outcome: Outcome) => void
  reject: (error: Error) => void
}

/** Documents packed one after the other, to be handed over to the writer thread without a copy. */
export class Bytes {
  #bytes = new Uint8Array(4096)
  #size = 0

  /** Adds bytes; gives where they begin. */
  add(bytes: Uint8Array): number {
    const start = this.#size
    this.#size += bytes.length
    if (this.#size > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#size, this.#bytes.length * 2))
      larger.set(this.#bytes.subarray(0, start))
      this.#bytes = larger
    }
    this.#bytes.set(bytes, start)
    return start
  }

  get size(): number {
    return this.#size
  }

  /** The bytes so far; the next begin at zero. */
  take(): Uint8Array<ArrayBuffer> {
    const bytes = this.#bytes.subarray(0, this.#size)
    this.#bytes = new Uint8Array(4096)
    this.#size = 0
    return bytes
  }
}

/** The caller's side of the writer thread: jobs of one turn of the event loop travel in one message. */
export class WriterClient {
  readonly bytes = new Bytes()
  readonly #worker: Worker
  readonly #waiting = new Map<number, Waiting>()
  readonly #log: Log
  #jobs: Job[] = []
  #number = 0
  #failure: Error | undefined

  constructor({ log, ...options }: WriterOptions) {
    this.#log = log
    this.#worker = new Worker(new URL('writer.ts', import.meta.url), { workerData: options })
    this.#worker.unref()
    this.#worker.on('message', (answer: Answer) => this.#receive(answer))
    this.#worker.on('error', (cause) => this.#fail(new Unavailable('the writer thread failed', { cause })))
    this.#worker.on('exit', () => this.#fail(new Unavailable('the store is closed')))
  }

  /** Sends writes whose documents were added to `bytes` in this same turn. */
  write(operations: Operation[], each: boolean): Promise<Outcome> {
    // Behind the request to close, it would find the file closed.
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    const number = ++this.#number
    if (this.#jobs.length === 0) setImmediate(() => this.#flush())
    this.#jobs.push({ number, each, operations })
    return this.#outcome(number)
  }

  /** Makes the tables of layouts. */
  async declare(layouts: Layout[]): Promise<void> {
    await this.#ask({ type: 'declare', number: ++this.#number, layouts })
  }

  /** Removes the documents that have expired. */
  async purge(): Promise<void> {
    await this.#ask({ type: 'purge', number: ++this.#number })
  }

  /** Waits for all that was asked, then ends the thread. */
  async close(): Promise<void> {
    const ended = new Promise<void>((resolve) => this.#worker.once('exit', () => resolve()))
    const done = this.#ask({ type: 'close', number: ++this.#number })
    this.#failure ??= new Unavailable('the store is closed')
    await done
    this.#worker.ref()
    await ended
  }

  async #ask(request: Exclude<Request, { type: 'write' }>): Promise<void> {
    this.#flush()
    if (this.#failure === undefined) this.#worker.postMessage(request, [])
    await this.#outcome(request.number)
  }

  #flush(): void {
    if (this.#jobs.length === 0) return
    const bytes = this.bytes.take()
    const request: Request = { type: 'write', jobs: this.#jobs, bytes }
    this.#jobs = []
    this.#worker.postMessage(request, [bytes.buffer])
  }

  #outcome(number: number): Promise<Outcome> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    return new Promise((resolve, reject) => {
      // An idle store does not keep the process alive; a commit under way does.
      if (this.#waiting.size === 0) this.#worker.ref()
      this.#waiting.set(number, { resolve, reject })
    })
  }

  #receive(answer: Answer): void {
    if (answer.type === 'log') {
      this.#log(answer.message, answer.fields)
      return
    }
    for (const outcome of answer.outcomes) {
      const { number, refusal } = outcome
      const waiting = this.#waiting.get(number)
      this.#waiting.delete(number)
      if (refusal === undefined) waiting?.resolve(outcome)
      else waiting?.reject(storageError(refusal.code, refusal.message, refusal))
    }
    if (this.#waiting.size === 0) this.#worker.unref()
  }

  #fail(error: Error): void {
    this.#failure ??= error
    for (const { reject } of this.#waiting.values()) reject(error)
    this.#waiting.clear()
  }
}
