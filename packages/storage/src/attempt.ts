import { setTimeout as delay } from 'node:timers/promises'
import { StaleVersion } from './errors.ts'

const attempts = 24
const longestWaitMs = 200

/**
 * Runs `work` until it does not throw StaleVersion, 24 times at most; the waits between are random and grow, so that
 * those who compete for a document do not meet again. Throws the last StaleVersion.
 */
export async function attempt<R>(work: () => Promise<R>): Promise<R> {
  for (let failures = 1; ; failures++) {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof StaleVersion) || failures === attempts) throw error
      await delay(Math.random() * Math.min(2 ** failures, longestWaitMs))
    }
  }
}
