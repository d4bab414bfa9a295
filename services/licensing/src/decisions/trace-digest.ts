import { hash } from 'node:crypto'
import type { DecisionClause, ItemDecision } from '@tallystick/protocol'

/**
 * SHA-256 of the RFC 8785 form of `decisions`, as `sha256:…`: anyone who has the answer can compare its `data` with the
 * receipt. They hold nothing but well-formed strings, for which JSON.stringify is canonical once members are in order.
 */
export function traceDigest(decisions: readonly ItemDecision[]): string {
  const known = new Map<DecisionClause, DecisionClause>()
  const ordered = (clause: DecisionClause) => {
    const before = known.get(clause)
    if (before) return before
    const after = orderedClause(clause)
    known.set(clause, after)
    return after
  }
  const text = JSON.stringify(
    decisions.map(({ decision, item, license, offers, reason, trace }) => ({
      decision,
      item,
      license,
      offers,
      reason,
      trace: trace.map(ordered),
    })),
  )
  return `sha256:${hash('sha256', text, 'hex')}`
}

function orderedClause({ clause, code, message, result, source, text_hash }: DecisionClause): DecisionClause {
  return {
    clause,
    code,
    message,
    result,
    ...(source !== undefined && { source }),
    ...(text_hash !== undefined && { text_hash }),
  }
}
