import { randomFillSync } from 'node:crypto'
import { newId } from '@tallystick/protocol'
import type { IdKind } from '@tallystick/protocol'

/** Where time, ids and randomness come from. Use-cases take these from their `deps`, never from the platform. */
export interface Entropy {
  now(): Date
  newId(kind: IdKind): string
  random(size: number): Uint8Array
}

const poolSize = 8192

/** The machine's own clock and randomness. Small draws come from a pool, so that an id costs no system call. */
export function systemEntropy(now: () => Date = () => new Date()): Entropy {
  const pool = new Uint8Array(poolSize)
  let used = poolSize
  const random = (size: number): Uint8Array => {
    if (size > poolSize / 8) return randomFillSync(new Uint8Array(size))
    if (used + size > poolSize) {
      randomFillSync(pool)
      used = 0
    }
    const drawn = pool.slice(used, used + size)
    // What was handed out may be a secret: it must not stay readable in the pool.
    pool.fill(0, used, used + size)
    used += size
    return drawn
  }
  return { now, random, newId: (kind) => newId(kind, now(), random) }
}
