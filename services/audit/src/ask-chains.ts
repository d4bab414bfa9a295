import { setTimeout as pause } from 'node:timers/promises'
import { sameHash } from '@tallystick/merkle'
import type { Store } from '@tallystick/storage'
import type { Logger } from 'pino'
import type { Reason } from './anchoring/machine.ts'
import { logIdOf } from './chain.ts'
import type { ChainClient, RegistryView } from './chain.ts'
import { logSize, rootFromTiles } from './log-reader.ts'

/** A chain holds a head of this log that its database lacks, as after an older backup was restored: to sign now is to fork. */
export class LogWouldFork extends Error {
  override readonly name = 'LogWouldFork'
  readonly reasons: readonly { chain: string; code: Reason['code'] }[]

  constructor(contradictions: ReadonlyMap<ChainClient, Reason>) {
    const found = [...contradictions]
    const told = found.map(([chain, { message }]) => `${chain.id}: ${message}`).join('; ')
    super(`Nothing is signed, since the database lacks what was anchored; restore a newer one. ${told}`)
    this.reasons = found.map(([chain, { code }]) => ({ chain: chain.id, code }))
  }
}

/** To be called before each signature. Throws LogWouldFork. */
export type ForkGuard = () => Promise<void>

/**
 * Has each chain asked for the newest head that it holds of this log: once in a tenure, before the first signature. A chain
 * that does not answer within `patienceMs` holds nobody up; it is asked again every `pollMs` of its configuration until
 * it answers. A contradiction is remembered by the process until the same chain takes it back.
 */
export function askChains(
  deps: { store: Store; origin: string; chains: readonly ChainClient[]; log: Logger },
  { patienceMs = 5000 } = {},
): (signal: AbortSignal) => ForkGuard {
  const contradictions = new Map<ChainClient, Reason>()

  return (signal) => {
    const open = new Set(deps.chains.map((chain) => question(chain, deps, signal)))
    let isFirst = true
    return async () => {
      if (open.size === 0) return
      const asked = Promise.all([...open].map(({ ask }) => ask()))
      if (isFirst)
        await Promise.race([
          asked,
          pause(patienceMs, undefined, { signal, ref: false }).catch(() => undefined),
        ])
      isFirst = false
      for (const item of open) {
        const held = item.answer()
        if (held === undefined) continue
        // The log is read after the chain: what was signed and anchored in between is in it.
        const reason = await contradiction(deps, item.chain, held)
        if (reason === undefined) {
          contradictions.delete(item.chain)
          open.delete(item)
        } else contradictions.set(item.chain, reason)
      }
      if (contradictions.size > 0) throw new LogWouldFork(contradictions)
    }
  }
}

/** The question to one chain, which never throws: a chain that cannot tell has not answered. */
function question(
  chain: ChainClient,
  { origin, log }: { origin: string; log: Logger },
  signal: AbortSignal,
): { chain: ChainClient; ask: () => Promise<void>; answer: () => RegistryView | undefined } {
  let answer: RegistryView | undefined
  let asking: Promise<void> | undefined
  let askedAt = -Infinity
  let isTold = false

  async function ask(): Promise<void> {
    try {
      const { hash } = await chain.latest()
      const held = await chain.registry(logIdOf(origin), 0, hash)
      if (!held.deployed) throw new Error(`no contract at ${chain.contract}`)
      answer = held
    } catch (error) {
      if (isTold || signal.aborted) return
      isTold = true
      log.warn(
        { chain: chain.id, err: error },
        'a chain does not tell which heads it holds; signing does not wait for it',
      )
    }
  }

  return {
    chain,
    ask() {
      const now = performance.now()
      if (asking === undefined && answer === undefined && now - askedAt >= chain.config.pollMs) {
        askedAt = now
        asking = ask().finally(() => (asking = undefined))
      }
      return asking ?? Promise.resolve()
    },
    answer: () => answer,
  }
}

/** Why the head on a chain is no prefix of the log as it is stored; undefined where it is. */
async function contradiction(
  { store, origin }: { store: Store; origin: string },
  chain: ChainClient,
  { head, publisher }: RegistryView,
): Promise<Reason | undefined> {
  if (head.size === 0) return undefined
  const size = await logSize(store, origin)
  if (head.size <= size && sameHash(head.root, await rootFromTiles(store, head.size))) return undefined
  // Anyone may register any origin: what another account anchored must not silence this log. While a KMS does not tell
  // which account is ours, it counts as ours.
  const isOurs = await chain.sender().then(
    (sender) => sender === publisher,
    () => true,
  )
  if (!isOurs) return undefined
  return head.size > size
    ? { code: 'chain_ahead', message: `the chain holds size ${head.size}, the log only ${size}` }
    : {
        code: 'other_history',
        message: `the chain's head at size ${head.size} is not a prefix of this log`,
      }
}
