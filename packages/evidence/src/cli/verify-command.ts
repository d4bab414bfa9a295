import { checkBody } from '../check-body.ts'
import { maxBundleBytes, parseEvidence } from '../evidence-bundle.ts'
import type { EvidenceBundle } from '../evidence-bundle.ts'
import type { Policy } from '../policy.ts'
import { meetsRequirement, parseRequirement } from '../verdict.ts'
import type { Verdict } from '../verdict.ts'
import { verifyEvidence } from '../verify-evidence.ts'
import { hash32 } from '../wire.ts'
import { askChain } from './ask-chain.ts'
import { CommandError, exitStatus } from './command.ts'
import type { Command, Io } from './command.ts'
import { parseOptions, parseUrl } from './parse-options.ts'
import { printable } from './printable.ts'
import { readInput } from './read-input.ts'
import { inputOf, readPolicy } from './read-policy.ts'
import { RpcError } from './rpc.ts'

const usage =
  'tally verify FILE [--rpc URL]… [--block-hash [CHAIN:]0x…]… [--policy FILE] [--body FILE] [--require LEVEL] [--json]'

const options = {
  rpc: { type: 'string', multiple: true },
  'block-hash': { type: 'string', multiple: true },
  policy: { type: 'string' },
  body: { type: 'string' },
  require: { type: 'string' },
  json: { type: 'boolean' },
} as const

/** `tally verify`: grades an evidence bundle; status 0 when it reaches the level that was asked for. */
export const verifyCommand: Command = {
  summary: 'grade an evidence bundle: SIGNED, LOGGED, WITNESSED, ANCHORED, FINALIZED or INVALID',
  usage,
  run: async (args, io) => {
    const { target, values } = parseOptions(args, options, usage)
    const hashes = (values['block-hash'] ?? []).map(parseBlockHash)
    const urls = (values.rpc ?? []).map(parseUrl)
    // Whoever names a block or a node asks about the chain: less than ANCHORED does not answer them.
    const required = values.require ?? (hashes.length + urls.length > 0 ? 'ANCHORED' : 'LOGGED')
    inputOf(() => parseRequirement(required))
    const policy: Policy = values.policy === undefined ? {} : await readPolicy(values.policy)
    const text = await readInput(target, maxBundleBytes)
    const bundle = inputOf(() => parseEvidence(text), `${target}: `)
    const known = { ...policy, blocks: [...(policy.blocks ?? []), ...hashes] }
    const body = values.body === undefined ? undefined : await readInput(values.body, maxBundleBytes)
    const { verdict: graded, notes } = await verifyWithChains(bundle, known, urls)
    const verdict = body === undefined ? graded : withBody(graded, body)
    const ok = meetsRequirement(verdict, required)
    if (values.json) io.out(JSON.stringify({ file: target, ok, required, ...verdict, notes }))
    else printVerdict(target, verdict, { required, ok, notes }, io)
    return ok ? exitStatus.ok : exitStatus.notVerified
  },
}

/** Checks offline first: a node is only asked about a bundle that hangs together. */
async function verifyWithChains(
  bundle: EvidenceBundle,
  policy: Policy,
  urls: readonly string[],
): Promise<{ verdict: Verdict; notes: string[] }> {
  const offline = await verifyEvidence(bundle, policy)
  if (offline.level === 'INVALID' || urls.length === 0) return { verdict: offline, notes: [] }
  const notes: string[] = []
  const blocks = [...(policy.blocks ?? [])]
  const roots = [...(policy.roots ?? [])]
  for (const url of urls) {
    try {
      const facts = await askChain(url, bundle)
      notes.push(...facts.notes)
      blocks.push(...facts.blocks)
      roots.push(...facts.roots)
      if (facts.denied) {
        const failure = { step: 'inclusion on chain', message: 'the contract denies the inclusion proof' }
        const verdict: Verdict = { ...offline, level: 'INVALID', grade: 'INVALID', failure }
        return { verdict, notes }
      }
    } catch (error) {
      if (!(error instanceof RpcError)) throw error
      notes.push(error.message)
    }
  }
  return { verdict: await verifyEvidence(bundle, { ...policy, blocks, roots }), notes }
}

/** The verdict with what the event behind the receipt says: another event than was promised makes it INVALID. */
function withBody(verdict: Verdict, text: string): Verdict {
  if (verdict.receipt === undefined || verdict.level === 'INVALID') return verdict
  const check = checkBody(verdict.receipt, text)
  const checks = [...verdict.checks, check]
  if (check.ok) return { ...verdict, checks }
  const failure = { step: check.step, message: check.message }
  return { ...verdict, level: 'INVALID', grade: 'INVALID', witnesses: [], anchors: [], checks, failure }
}

function parseBlockHash(text: string): { chain?: string; hash: string } {
  const parts = /^(?:(eip155:[1-9]\d{0,15}):)?(0x[0-9a-fA-F]{64})$/.exec(text)
  const hash = hash32.safeParse(parts?.[2]?.toLowerCase())
  if (!hash.success) throw new CommandError('--block-hash takes 0x and 64 hex digits, or eip155:1:0x…')
  return parts?.[1] === undefined ? { hash: hash.data } : { chain: parts[1], hash: hash.data }
}

function printVerdict(
  file: string,
  verdict: Verdict,
  asked: { required: string; ok: boolean; notes: readonly string[] },
  io: Io,
): void {
  io.out(`${printable(file)}: ${verdict.grade}`)
  for (const { step, ok, message } of verdict.checks) {
    const mark = ok ? 'ok' : verdict.failure?.step === step ? 'BROKEN' : 'no'
    io.out(`  ${mark.padEnd(7)}${step.padEnd(13)} ${printable(message)}`)
  }
  for (const { time, chain, block } of verdict.anchors) {
    if (time === undefined) continue
    io.out(`  block ${block.number} of ${chain} bears the time ${new Date(time * 1000).toISOString()}`)
  }
  for (const note of asked.notes) io.out(`  note: ${printable(note)}`)
  if (verdict.trusted.length > 0) io.out('Taken on trust:')
  for (const { what, value, source } of verdict.trusted) {
    io.out(`  ${what.padEnd(11)}${printable(value)} (${sources[source]})`)
  }
  const failure = verdict.failure === undefined ? '' : ` (${printable(verdict.failure.message)})`
  io.out(`Asked for ${asked.required.toUpperCase()}: ${asked.ok ? 'reached' : `NOT reached${failure}`}.`)
}

const sources = {
  policy: 'from you',
  rpc: 'from the node you named',
  bundle: 'from the bundle: shows that it hangs together, not who made it',
} as const
