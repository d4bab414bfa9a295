import { parseKeySet, verifyReceipt } from '@tallystick/receipt'
import type { VerifiedReceipt } from '@tallystick/receipt'
import { brokenBy, BrokenStep } from './broken-step.ts'
import { parseEvidence } from './evidence-bundle.ts'
import type { EvidenceBundle } from './evidence-bundle.ts'
import { parsePolicy } from './policy.ts'
import type { ParsedPolicy, Policy } from './policy.ts'
import { gradeOf } from './verdict.ts'
import type { Trusted, Verdict } from './verdict.ts'
import { verifyAnchor } from './verify-anchor.ts'
import { verifyLogged } from './verify-logged.ts'

/**
 * Grades an evidence bundle (JSON text, bytes or a parsed value) under a policy: signature, then log, witnesses and
 * anchors. It reads no clock and no network. Evidence that is wrong in any way gives `INVALID` with the first broken
 * step; only a policy that cannot be read throws (EvidenceError `bad_policy`).
 */
export async function verifyEvidence(bundle: unknown, policy: Policy = {}): Promise<Verdict> {
  const known = parsePolicy(policy)
  const found: Found = { witnesses: [], anchors: [], checks: [], trusted: [] }
  try {
    await verifyAll(bundle, known, found)
  } catch (cause) {
    if (!(cause instanceof BrokenStep)) throw cause
    const failure = { step: cause.step, message: cause.message }
    found.checks.push({ ...failure, ok: false })
    // Nothing that stood before the broken step may be taken for a partial success.
    const { checks, trusted } = found
    return {
      ...gradeOf({ failure, witnesses: [], anchors: [] }),
      witnesses: [],
      anchors: [],
      checks,
      trusted,
      failure,
    }
  }
  return { ...gradeOf(found), ...found }
}

type Found = Omit<Verdict, 'level' | 'grade' | 'failure'>

async function verifyAll(input: unknown, policy: ParsedPolicy, found: Found): Promise<void> {
  const bundle = readBundle(input)
  const { payload, kid, alg } = await verifySignature(bundle, policy)
  found.receipt = payload
  found.trusted.push(keySetTrust(kid, policy))
  found.checks.push({
    step: 'receipt',
    ok: true,
    message: `${payload.jti} is signed by key ${kid} with ${alg}`,
  })
  if (bundle.proof === undefined) {
    const promised = new Date(payload.merge_by * 1000).toISOString()
    const message = `the bundle shows no checkpoint that has it; the signer promised one by ${promised}`
    found.checks.push({ step: 'inclusion', ok: false, message })
    return
  }
  const { leaf, witnesses, trusted } = verifyLogged(bundle, bundle.proof, policy)
  const { origin, index, size } = leaf
  found.log = { origin, index, size, root: `sha256:${Buffer.from(leaf.root).toString('hex')}` }
  found.trusted.push(...trusted)
  found.checks.push({
    step: 'inclusion',
    ok: true,
    message: `it is entry ${index} of ${size} in the log ${origin}, whose key signed that head`,
  })
  found.witnesses = witnesses
  if (policy.witnesses !== undefined) {
    const message = `${witnesses.length} of the ${policy.witnesses.length} witnesses that the policy names cosigned it`
    found.checks.push({ step: 'witnesses', ok: true, message })
  }
  for (const [position, anchor] of bundle.anchors.entries()) {
    const name = `anchors[${position}]`
    const { finding, trusted } = verifyAnchor(anchor, leaf, policy, name)
    found.anchors.push(finding)
    found.trusted.push(...trusted)
    const ok = finding.status === 'anchored' || finding.status === 'finalized'
    found.checks.push({ step: name, ok, message: finding.message })
  }
  found.trusted = withoutRepeats(found.trusted)
}

function readBundle(input: unknown): EvidenceBundle {
  try {
    return parseEvidence(input)
  } catch (cause) {
    throw brokenBy('bundle', cause)
  }
}

/** The receipt's signature, and that it was issued for the log that the bundle names. */
async function verifySignature(bundle: EvidenceBundle, policy: ParsedPolicy): Promise<VerifiedReceipt> {
  let verified: VerifiedReceipt
  try {
    verified = await verifyReceipt(bundle.receipt, parseKeySet(policy.jwks ?? bundle.jwks))
  } catch (cause) {
    throw brokenBy('receipt', cause)
  }
  if (verified.payload.iss !== bundle.log.origin) {
    throw new BrokenStep('receipt', 'the receipt was issued for another log than the bundle names')
  }
  return verified
}

function keySetTrust(kid: string, policy: ParsedPolicy): Trusted {
  return { what: 'key set', value: kid, source: policy.jwks === undefined ? 'bundle' : 'policy' }
}

function withoutRepeats(trusted: readonly Trusted[]): Trusted[] {
  return [...new Map(trusted.map((one) => [JSON.stringify(one), one])).values()]
}
