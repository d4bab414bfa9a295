import { hash } from 'node:crypto'
import type { Caller } from './api.ts'

/** A caller and when its key ends by itself. */
export interface KnownCaller {
  caller: Caller
  end: Date | undefined
}

/** For how long at most a revoked key still works anywhere, in milliseconds. */
export const revocationBoundMs = 5000

const cacheLimit = 10_000

/** Callers by their key's secret, remembered for a while. */
export interface CallerCache {
  /** The remembered caller, or the one that `ask` finds. */
  remembered(
    secret: string,
    ask: () => Promise<KnownCaller | undefined>,
  ): Caller | Promise<Caller | undefined>
  clear(): void
}

/**
 * Remembers callers for `lifetimeMs` (5 s at most) from the moment the question was asked, since the answer may be as
 * old as that, and never beyond the key's own end. Unknown keys are not remembered. Secrets are kept as digests only.
 */
export function callerCache({ now, lifetimeMs }: { now: () => Date; lifetimeMs: number }): CallerCache {
  const lifetime = Math.min(lifetimeMs, revocationBoundMs)
  const known = new Map<string, { caller: Caller; since: number; until: number }>()
  let generation = 0

  async function find(
    cacheKey: string,
    asked: number,
    ask: () => Promise<KnownCaller | undefined>,
  ): Promise<Caller | undefined> {
    const before = generation
    const answer = await ask()
    if (!answer) {
      known.delete(cacheKey)
      return undefined
    }
    const { caller, end } = answer
    // What was cleared meanwhile may be the very answer that is coming in.
    if (before === generation) {
      if (known.size >= cacheLimit) known.clear()
      const until = Math.min(asked + lifetime, end?.getTime() ?? Infinity)
      known.set(cacheKey, { caller, since: asked, until })
    }
    return caller
  }

  return {
    remembered(secret, ask) {
      const cacheKey = hash('sha256', secret, 'base64')
      const asked = now().getTime()
      const found = known.get(cacheKey)
      // A clock that was set back must not make an answer younger than it is.
      if (found && found.since <= asked && asked < found.until) return found.caller
      return find(cacheKey, asked, ask)
    },
    clear() {
      generation++
      known.clear()
    },
  }
}
