import type { ReceiptPayload } from '@tallystick/receipt'
import { EvidenceError } from './evidence-error.ts'
import { chainName } from './wire.ts'

/** How far evidence reaches, from nothing to a block that its chain will not take back. */
export const levels = ['INVALID', 'SIGNED', 'LOGGED', 'WITNESSED', 'ANCHORED', 'FINALIZED'] as const

/** A rung of `levels`. */
export type Level = (typeof levels)[number]

/** A thing that the verdict rests on without proof, and who gave it. */
export interface Trusted {
  what: 'key set' | 'log key' | 'witness' | 'contract' | 'chain' | 'block hash' | 'root'
  value: string
  source: 'policy' | 'bundle' | 'rpc'
}

/** A witness of the policy who cosigned the checkpoint, at a time (Unix seconds) of their own clock. */
export interface Witness {
  name: string
  time: number
}

/** What became of one anchor. Only `anchored` and `finalized` count for the level. */
export interface AnchorFinding {
  chain: string
  contract: string
  tx: string
  block: { number: number; hash: string }
  size: number
  root: string
  /**
   * `unvouched`: it hangs together, but nobody except the bundle says that its block exists. `does_not_cover`: the
   * receipt came after the anchored tree. `other_contract`: not one that the policy names, or, where it names none, one
   * whose code is not AnchorRegistry's.
   */
  status: 'finalized' | 'anchored' | 'unvouched' | 'does_not_cover' | 'other_contract'
  /** Unix seconds of the block, for an anchor that counts and has a state proof: by then the receipt was logged. */
  time?: number
  message: string
}

/** One step that was checked, in order, in words. */
export interface Check {
  step: string
  ok: boolean
  message: string
}

/** The graded result of verifying evidence. */
export interface Verdict {
  level: Level
  /** The level with its particulars, such as `ANCHORED(eip155:1)`. */
  grade: string
  /** What the receipt says, once its signature holds. */
  receipt?: ReceiptPayload
  /** Where the log holds it, once the inclusion proof holds. */
  log?: { origin: string; index: number; size: number; root: string }
  witnesses: Witness[]
  anchors: AnchorFinding[]
  checks: Check[]
  trusted: Trusted[]
  /** The first broken step of an INVALID verdict. */
  failure?: { step: string; message: string }
}

/** Derives level and grade from what was found. */
export function gradeOf(found: Pick<Verdict, 'failure' | 'log' | 'witnesses' | 'anchors'>): {
  level: Level
  grade: string
} {
  if (found.failure !== undefined) return { level: 'INVALID', grade: 'INVALID' }
  const finalized = chainsOf(found.anchors, ['finalized'])
  if (finalized.length > 0) return { level: 'FINALIZED', grade: `FINALIZED(${finalized.join(', ')})` }
  const anchored = chainsOf(found.anchors, ['anchored'])
  if (anchored.length > 0) return { level: 'ANCHORED', grade: `ANCHORED(${anchored.join(', ')})` }
  if (found.witnesses.length > 0) return { level: 'WITNESSED', grade: `WITNESSED(${found.witnesses.length})` }
  return found.log === undefined ? { level: 'SIGNED', grade: 'SIGNED' } : { level: 'LOGGED', grade: 'LOGGED' }
}

/**
 * Whether a verdict gives what was asked: a level, with a number of witnesses or a list of chains if wanted, such as
 * `LOGGED`, `WITNESSED(2)`, `ANCHORED(eip155:1,eip155:137)`. Witnesses are counted, not implied by an anchor: a chain
 * cannot stand in for them. Throws EvidenceError `bad_requirement`.
 */
export function meetsRequirement(verdict: Verdict, requirement: string): boolean {
  const { level, detail } = parseRequirement(requirement)
  if (verdict.level === 'INVALID') return false
  if (level === 'SIGNED') return true
  if (level === 'LOGGED') return verdict.log !== undefined
  if (level === 'WITNESSED') return verdict.witnesses.length >= Number(detail[0] ?? 1)
  const enough: AnchorFinding['status'][] = level === 'ANCHORED' ? ['anchored', 'finalized'] : ['finalized']
  return containsAll(chainsOf(verdict.anchors, enough), detail)
}

/** Checks the form of a requirement without a verdict. Throws EvidenceError `bad_requirement`. */
export function parseRequirement(text: string): { level: Exclude<Level, 'INVALID'>; detail: string[] } {
  const parts = /^(\w+)(?:\(([^()]+)\))?$/.exec(text)
  const level = levels.find((known) => known === parts?.[1]?.toUpperCase())
  const detail = parts?.[2]?.split(',').map((part) => part.trim()) ?? []
  const fits =
    detail.length === 0 ||
    (level === 'WITNESSED' && detail.length === 1 && /^[1-9][0-9]{0,2}$/.test(detail[0] ?? '')) ||
    ((level === 'ANCHORED' || level === 'FINALIZED') &&
      detail.every((part) => chainName.safeParse(part).success))
  if (level === undefined || level === 'INVALID' || !fits) {
    throw new EvidenceError(
      'bad_requirement',
      'a level is SIGNED, LOGGED, WITNESSED, WITNESSED(2), ANCHORED, ANCHORED(eip155:1), FINALIZED or FINALIZED(eip155:1)',
    )
  }
  return { level, detail }
}

function containsAll(chains: readonly string[], wanted: readonly string[]): boolean {
  return chains.length > 0 && wanted.every((chain) => chains.includes(chain))
}

function chainsOf(anchors: readonly AnchorFinding[], statuses: readonly AnchorFinding['status'][]): string[] {
  const chains = anchors.filter(({ status }) => statuses.includes(status)).map(({ chain }) => chain)
  return [...new Set(chains)]
}
