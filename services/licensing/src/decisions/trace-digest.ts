import { hash } from 'node:crypto'
import type { DecisionClause, ItemDecision } from '@tallystick/protocol'

/**
 * SHA-256 of the RFC 8785 form of `decisions`, as `sha256:…`: anyone who has the answer can compare its `data` with the
 * receipt. They hold nothing but well-formed strings, for which JSON.stringify is canonical once members are in order.
 */
export function traceDigest(decisions: readonly ItemDecision[]): string {
  // The items of a dataset share their clauses: each is written once.
  const known = new Map<DecisionClause, string>()
  const written = (clause: DecisionClause) => {
    let text = known.get(clause)
    if (text === undefined) known.set(clause, (text = clauseText(clause)))
    return text
  }
  const texts = decisions.map(({ decision, item, license, offers, reason, trace }) => {
    const told = JSON.stringify({ decision, item, license, offers, reason })
    return `${told.slice(0, -1)},"trace":[${trace.map(written).join()}]}`
  })
  return `sha256:${hash('sha256', `[${texts.join()}]`, 'hex')}`
}

function clauseText({ clause, code, message, result, source, text_hash }: DecisionClause): string {
  return JSON.stringify({ clause, code, message, result, source, text_hash })
}
