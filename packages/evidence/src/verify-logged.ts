import {
  leafHash,
  noteAlgorithms,
  parseCheckpoint,
  parseNote,
  parseTlogProof,
  parseVerifierKey,
  verifyInclusion,
  verifyNote,
} from '@tallystick/merkle'
import { receiptEntry } from '@tallystick/receipt'
import { BrokenStep, step } from './broken-step.ts'
import type { EvidenceBundle } from './evidence-bundle.ts'
import { bytesToHex, sameBytes } from './hex.ts'
import type { ParsedPolicy } from './policy.ts'
import type { Trusted, Witness } from './verdict.ts'
import type { LoggedLeaf } from './verify-anchor.ts'

/** A proven leaf, who cosigned the checkpoint over it, and whose keys that rests on. */
export interface Logged {
  leaf: LoggedLeaf
  witnesses: Witness[]
  trusted: Trusted[]
}

/**
 * Checks that the log's key signed a checkpoint whose tree has the receipt as a leaf, and counts the policy's
 * witnesses under it. Throws BrokenStep.
 */
export function verifyLogged(bundle: EvidenceBundle, proofText: string, policy: ParsedPolicy): Logged {
  const logKey = requireLogKey(bundle, policy)
  const proof = step('proof', () => parseTlogProof(proofText))
  if (proof.extra === undefined || !sameBytes(proof.extra, Buffer.from(bundle.receipt, 'latin1'))) {
    throw new BrokenStep('proof', 'the proof carries another receipt')
  }
  const checkpoint = step('checkpoint', () => {
    // The log's signature is asked for on its own: a witness may bear the log's name, with another key.
    const { text } = verifyNote(proof.checkpoint, [logKey])
    return parseCheckpoint(text)
  })
  if (checkpoint.origin !== bundle.log.origin) {
    throw new BrokenStep('checkpoint', 'the checkpoint is of another log')
  }
  const leaf = { origin: checkpoint.origin, index: proof.index, size: checkpoint.size, root: checkpoint.root }
  const included = step('inclusion', () =>
    verifyInclusion({
      index: proof.index,
      size: checkpoint.size,
      leafHash: leafHash(receiptEntry(bundle.receipt)),
      proof: proof.proof,
      root: checkpoint.root,
    }),
  )
  if (!included) {
    throw new BrokenStep(
      'inclusion',
      `the proof does not lead from the receipt at ${proof.index} to the root of ${checkpoint.size} leaves`,
    )
  }
  const cosigners = countWitnesses(proof.checkpoint, logKey, policy)
  const source = policy.logKey === undefined ? 'bundle' : 'policy'
  return {
    leaf,
    witnesses: cosigners.map(({ witness }) => witness),
    trusted: [
      { what: 'log key', value: logKey, source },
      ...cosigners.map(({ key }): Trusted => ({ what: 'witness', value: key, source: 'policy' })),
    ],
  }
}

/** The log's key must be the policy's, where it names one, and bear the log's name. */
function requireLogKey(bundle: EvidenceBundle, policy: ParsedPolicy): string {
  const { key, origin } = bundle.log
  if (policy.logKey !== undefined && policy.logKey !== key) {
    throw new BrokenStep('log key', 'the bundle names another log key than the policy')
  }
  const { name, algorithm } = step('log key', () => parseVerifierKey(key))
  if (name !== origin) throw new BrokenStep('log key', 'the key is of another log than the bundle says')
  if (algorithm !== noteAlgorithms.ed25519) throw new BrokenStep('log key', "the key is a witness's")
  return key
}

/** The witnesses with a good cosignature. A key counts once under whatever names, and the log's own never. */
function countWitnesses(
  checkpoint: string,
  logKey: string,
  policy: ParsedPolicy,
): { witness: Witness; key: string }[] {
  const seen = new Set([bytesToHex(parseVerifierKey(logKey).publicKey)])
  const found: { witness: Witness; key: string }[] = []
  const lines = step('checkpoint', () => parseNote(checkpoint)).signatures
  for (const key of policy.witnesses ?? []) {
    const { name, keyId, publicKey } = parseVerifierKey(key)
    if (seen.has(bytesToHex(publicKey))) continue
    // A line that bears a known witness's name and is not genuine is a forgery, not a missing witness.
    if (!lines.some((line) => line.name === name && line.keyId === keyId)) continue
    const [signer] = step('witnesses', () => verifyNote(checkpoint, [key])).signers
    seen.add(bytesToHex(publicKey))
    found.push({ witness: { name, time: signer?.time ?? 0 }, key })
  }
  return found
}
