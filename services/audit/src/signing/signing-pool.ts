import { importSigningKey, type PrivateJwk, type ReceiptPayload } from '@tallystick/receipt'
import { SigningPoolError } from './signing-pool-error.ts'
import { SigningThread, type ThreadEnd } from './signing-thread.ts'

/** Signs batches of receipts on threads of their own, so that the thread that serves HTTP never waits for ECDSA. */
export interface SigningPool {
  /**
   * The compact receipts of `payloads`, in their order. All or nothing: rejects with ReceiptError when a payload is
   * refused, with SigningPoolError when a thread died under the batch (`thread_died`) or the pool is closed (`closed`).
   */
  signReceipts(payloads: readonly ReceiptPayload[]): Promise<string[]>
  /** Takes no more batches, finishes those that it has, and ends the threads. */
  close(): Promise<void>
}

/** What a pool needs: the private keys (the one that covers a receipt's `iat` signs it) and the number of threads. */
export interface SigningPoolOptions {
  keys: PrivateJwk | readonly PrivateJwk[]
  threads: number
  /** Told of each thread that died and is replaced; a process warning unless given. */
  onDeath?: (cause: unknown) => void
}

// Small enough that a batch spreads evenly, large enough that messages cost nothing beside signatures.
const maxChunk = 64
// One chunk in work and one at hand, so that a thread never waits for the main thread between two.
const maxLoad = 2

/** Starts a pool. Throws ReceiptError `bad_key` for a key that cannot sign and RangeError for fewer than one thread. */
export function signingPool({ keys, threads, onDeath = warn }: SigningPoolOptions): SigningPool {
  if (!Number.isSafeInteger(threads) || threads < 1) throw new RangeError('a pool needs at least one thread')
  const privateJwks = [keys].flat()
  // Here, where the caller hears of it, and not first in a thread.
  for (const jwk of privateJwks) importSigningKey(jwk)
  return new Pool(privateJwks, threads, onDeath)
}

interface Chunk {
  payloads: string
  outcome: PromiseWithResolvers<string[]>
}

class Pool implements SigningPool {
  readonly #keys: readonly PrivateJwk[]
  readonly #size: number
  readonly #onDeath: (cause: unknown) => void
  readonly #threads = new Set<SigningThread>()
  readonly #queue: Chunk[] = []
  readonly #batches = new Set<Promise<unknown>>()
  #closing: Promise<void> | undefined

  constructor(keys: readonly PrivateJwk[], size: number, onDeath: (cause: unknown) => void) {
    this.#keys = keys
    this.#size = size
    this.#onDeath = onDeath
    this.#fill()
  }

  async signReceipts(payloads: readonly ReceiptPayload[]): Promise<string[]> {
    if (this.#closing !== undefined) throw new SigningPoolError('closed', 'the signing pool is closed')
    this.#fill()
    const chunks = this.#split(payloads)
    // Settled, not all: close() must wait for the chunks of a batch whose first chunk failed, too.
    const batch = Promise.allSettled(chunks.map((chunk) => chunk.outcome.promise))
    this.#batches.add(batch)
    this.#queue.push(...chunks)
    this.#dispatch()
    const results = await batch
    this.#batches.delete(batch)
    return results.flatMap((result) => {
      if (result.status === 'rejected') throw result.reason
      return result.value
    })
  }

  close(): Promise<void> {
    this.#closing ??= this.#drain()
    return this.#closing
  }

  async #drain(): Promise<void> {
    await Promise.all(this.#batches)
    await Promise.all([...this.#threads].map((thread) => thread.stop()))
  }

  #split(payloads: readonly ReceiptPayload[]): Chunk[] {
    const size = Math.min(maxChunk, Math.ceil(payloads.length / this.#size))
    const chunks: Chunk[] = []
    for (let start = 0; start < payloads.length; start += size) {
      chunks.push({
        payloads: JSON.stringify(payloads.slice(start, start + size)),
        outcome: Promise.withResolvers<string[]>(),
      })
    }
    return chunks
  }

  /** Hands waiting chunks to the threads with the least to do. */
  #dispatch(): void {
    for (;;) {
      const thread = [...this.#threads].reduce<SigningThread | undefined>(
        (idlest, next) => (idlest === undefined || next.load < idlest.load ? next : idlest),
        undefined,
      )
      if (thread === undefined || thread.load >= maxLoad) return
      const chunk = this.#queue.shift()
      if (chunk === undefined) return
      void this.#run(chunk, thread)
    }
  }

  async #run(chunk: Chunk, thread: SigningThread): Promise<void> {
    try {
      chunk.outcome.resolve(await thread.sign(chunk.payloads))
    } catch (error) {
      chunk.outcome.reject(error)
    }
    this.#dispatch()
  }

  #fill(): void {
    while (this.#threads.size < this.#size) {
      const thread = new SigningThread(this.#keys)
      this.#threads.add(thread)
      void this.#watch(thread)
    }
  }

  async #watch(thread: SigningThread): Promise<void> {
    const end = await thread.ended
    this.#threads.delete(thread)
    if (this.#closing !== undefined && this.#batches.size === 0) return
    this.#onDeath(end.cause ?? new Error('the signing thread exited'))
    this.#replace(end)
  }

  #replace({ wasReady, cause }: ThreadEnd): void {
    // A thread that never came up is not started again until there is a new batch: no storm of dying threads.
    if (wasReady) this.#fill()
    if (this.#threads.size === 0) {
      const error = new SigningPoolError('thread_died', 'no signing thread came up', { cause })
      for (const chunk of this.#queue.splice(0)) chunk.outcome.reject(error)
    }
    this.#dispatch()
  }
}

function warn(cause: unknown): void {
  process.emitWarning(`A signing thread died and is replaced: ${String(cause)}`, 'SigningPoolWarning')
}
