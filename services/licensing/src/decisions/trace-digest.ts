import { hash } from 'node:crypto'
import type { DecisionClause, ItemDecision } from '@tallystick/protocol'
import { canonicalize } from '@tallystick/receipt'

/**
 * SHA-256 of the RFC 8785 form of `decisions`, as `sha256:…`: anyone who has the answer can compare its `data` with the
 * receipt. Clauses that many items share are brought into canonical form once.
 */
export function traceDigest(decisions: readonly ItemDecision[]): string {
  const known = new Map<DecisionClause, string>()
  const clauseText = (clause: DecisionClause) => {
    const text = known.get(clause) ?? canonicalize(clause)
    known.set(clause, text)
    return text
  }
  const texts = decisions.map((decided) => decisionText(decided, clauseText))
  return `sha256:${hash('sha256', `[${texts.join()}]`, 'hex')}`
}

/** The canonical text of one decision: its members in the order of their names. */
function decisionText(
  { decision, item, license, offers, reason, trace }: ItemDecision,
  clauseText: (clause: DecisionClause) => string,
): string {
  const members = [
    `"decision":"${decision}","item":${canonicalize(item)}`,
    ...(license === undefined ? [] : [`"license":${canonicalize(license)}`]),
    ...(offers === undefined ? [] : [`"offers":${canonicalize(offers)}`]),
    `"reason":${canonicalize(reason)},"trace":[${trace.map(clauseText).join()}]`,
  ]
  return `{${members.join()}}`
}
