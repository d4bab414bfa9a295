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
  const fill = (bytes: Uint8Array<ArrayBuffer>): Uint8Array => {
    if (bytes.length > poolSize / 8) return randomFillSync(bytes)
    if (used + bytes.length > poolSize) {
      randomFillSync(pool)
      used = 0
    }
    for (let place = 0; place < bytes.length; place++) {
      bytes[place] = pool[used] ?? 0
      // What was handed out may be a secret: it must not stay readable in the pool.
      pool[used++] = 0
    }
    return bytes
  }
  const ofId = new Uint8Array(10)
  return {
    now,
    random: (size) => fill(new Uint8Array(size)),
    // Read at once, so that all ids can share the same few bytes.
    newId: (kind) => newId(kind, now(), () => fill(ofId)),
  }
}
