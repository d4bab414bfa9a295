import { hash } from 'node:crypto'
import type { ItemDecision } from '@tallystick/protocol'

/**
 * SHA-256 of the RFC 8785 form of `decisions`, as `sha256:…`: anyone who has the answer can compare its `data` with the
 * receipt. They hold nothing but well-formed strings, for which JSON.stringify is canonical once members are in order, as
 * `clauseOf` has them.
 */
export function traceDigest(decisions: readonly ItemDecision[]): string {
  const ordered = decisions.map(({ decision, item, license, offers, reason, trace }) => ({
    decision,
    item,
    license,
    offers,
    reason,
    trace,
  }))
  return `sha256:${hash('sha256', JSON.stringify(ordered), 'hex')}`
}
