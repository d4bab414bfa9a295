import { setImmediate as settle } from 'node:timers/promises'
import type { Random } from './random.ts'

/** Does one access to the store when it is this racer's turn. */
export type Turn = <R>(access: () => Promise<R>) => Promise<R>

/** No race: each access at once. */
export const atOnce: Turn = (access) => access()

/**
 * Runs racers so that only one access to the store happens at a time, and whose it is `random` decides. So a race that
 * goes wrong goes wrong again with the same seed, which real parallelism would not promise.
 */
export async function interleave<T>(
  random: Random,
  racers: readonly ((turn: Turn) => Promise<T>)[],
): Promise<PromiseSettledResult<T>[]> {
  const waiting: (() => Promise<void>)[] = []
  const racing = new Set(racers)
  const turn: Turn = (access) =>
    new Promise((resolve, reject) => {
      // An access that is refused at once, as to a process that died meanwhile, is its racer's to deal with.
      waiting.push(async () => {
        try {
          resolve(await access())
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)))
        }
      })
    })
  const results = Promise.allSettled(
    racers.map(async (racer) => {
      try {
        return await racer(turn)
      } finally {
        racing.delete(racer)
      }
    }),
  )
  while (racing.size > 0) {
    // All that follows from the access before has happened once this turn of the event loop is over.
    await settle()
    const [next] = waiting.splice(random.below(waiting.length), 1)
    await next?.()
  }
  return results
}
