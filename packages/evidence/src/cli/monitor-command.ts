import { setTimeout as sleep } from 'node:timers/promises'
import { noteAlgorithms, NoteError, parseVerifierKey } from '@tallystick/merkle'
import { CommandError, exitStatus } from './command.ts'
import type { Command, Io } from './command.ts'
import { compareAnchors } from './compare-anchors.ts'
import type { AnchorReport } from './compare-anchors.ts'
import { FetchError } from './fetch-text.ts'
import { fetchAnchors, fetchKeys } from './log-client.ts'
import type { KnownContract } from './log-client.ts'
import { readState, saveProof, writeState } from './monitor-state.ts'
import type { MonitorState } from './monitor-state.ts'
import { observeLog, openHead } from './observe-log.ts'
import type { SignedHead } from './observe-log.ts'
import { parseOptions, parseUrl } from './parse-options.ts'
import { printable } from './printable.ts'
import { readPolicy } from './read-policy.ts'
import { RpcError } from './rpc.ts'

const usage =
  'tally monitor URL [--state FILE] [--policy FILE] [--key VERIFIER-KEY] [--rpc URL] [--once] [--interval SECONDS] [--json]'

const options = {
  state: { type: 'string' },
  policy: { type: 'string' },
  key: { type: 'string' },
  rpc: { type: 'string' },
  once: { type: 'boolean' },
  interval: { type: 'string', default: '30' },
  json: { type: 'boolean' },
} as const

/** `tally monitor`: follows a log, checks that it only grows, and ends with status 3 and a saved proof on a fork. */
export const monitorCommand: Command = {
  summary: 'follow a log: signatures, consistency from its tiles, anchors on chain; status 3 on a fork',
  usage,
  run: async (args, io) => {
    const { target, values } = parseOptions(args, options, usage)
    const url = parseUrl(target)
    const seconds = Number(values.interval)
    if (!(seconds >= 1 && seconds <= 86_400)) throw new CommandError('--interval takes 1 to 86400 seconds')
    const policy = values.policy === undefined ? {} : await readPolicy(values.policy)
    if (values.key !== undefined && policy.logKey !== undefined && policy.logKey !== values.key)
      throw new CommandError(`${values.policy} holds another log key than --key`)
    const key = values.key ?? policy.logKey
    const watch: Watch = {
      url,
      stateFile: values.state ?? `${new URL(url).host.replaceAll(/[^\w.-]/g, '_')}.tally-state.json`,
      key: key === undefined ? undefined : parseLogKey(key),
      contracts: policy.contracts,
      rpc: values.rpc === undefined ? undefined : parseUrl(values.rpc),
      tell: teller(values.json === true, io),
    }
    for (;;) {
      const status = await lookOnce(watch)
      if (values.once || status === exitStatus.fork) return status
      await sleep(seconds * 1000)
    }
  },
}

interface Watch {
  url: string
  stateFile: string
  key: string | undefined
  /** The contracts that count, where the caller names them; else those that the service shows first. */
  contracts: readonly KnownContract[] | undefined
  rpc: string | undefined
  tell: (event: 'ok' | 'problem' | 'fork', message: string, fields?: Record<string, unknown>) => void
}

/** One round: an outage is a problem of this round, never the end of the watch. */
async function lookOnce(watch: Watch): Promise<number> {
  try {
    return await look(watch)
  } catch (error) {
    if (!(error instanceof FetchError) && !(error instanceof RpcError)) throw error
    watch.tell('problem', error.message)
    return exitStatus.notVerified
  }
}

async function look(watch: Watch): Promise<number> {
  const { url, stateFile, tell } = watch
  const state = await readState(stateFile)
  const key = await pinnedKey(watch, state)
  const last = state === undefined ? undefined : keptHead(state, key, stateFile)
  const seen = await observeLog(url, key, last)
  if (seen.kind === 'unverified') {
    tell('problem', seen.reason)
    return exitStatus.notVerified
  }
  if (seen.kind === 'fork') {
    const proof = {
      reason: seen.reason,
      key,
      checkpoints: [...(last === undefined ? [] : [last.note]), seen.head.note],
    }
    return reportFork(watch, proof)
  }
  const { head, shownSize } = seen
  const listed = watch.rpc === undefined ? [] : await fetchAnchors(url)
  const published = watch.rpc === undefined ? [] : (await fetchKeys(url)).contracts
  const contracts = withNewChains(state?.contracts ?? [], published)
  // The head is kept before the chain is asked: an outage there must not make us forget it.
  await writeState(stateFile, { version: 1, url, key, checkpoint: head.note, contracts })
  if (shownSize < head.size) {
    // A log that stays behind what it signed was put back to an older state, and will fork when it grows again.
    tell('problem', `the log shows a head of ${shownSize} leaves and has signed one of ${head.size}`)
    return exitStatus.notVerified
  }
  const growth = last === undefined ? 'first seen' : `${head.size - last.size} more`
  if (watch.rpc === undefined) {
    tell('ok', `${leaves(head.size)} (${growth}), consistent`, { origin: head.origin, size: head.size })
    return exitStatus.ok
  }
  const trusted = { contracts: watch.contracts ?? contracts, named: watch.contracts !== undefined }
  const report = await compareAnchors(watch.rpc, { url, head }, trusted, listed)
  return reportAnchors(watch, key, head, growth, report)
}

function leaves(count: number): string {
  return count === 1 ? '1 leaf' : `${count} leaves`
}

async function reportAnchors(
  watch: Watch,
  key: string,
  head: SignedHead,
  growth: string,
  report: AnchorReport,
): Promise<number> {
  if (report.fork !== undefined) {
    const { chain, size } = report.fork
    const reason = `${chain} holds another root for ${size} leaves than the log's tree has`
    return reportFork(watch, { reason, key, checkpoints: [head.note], anchor: report.fork })
  }
  for (const problem of report.problems) watch.tell('problem', problem)
  if (report.problems.length > 0) return exitStatus.notVerified
  const { checked, anchored } = report
  const onChain =
    anchored === 0
      ? 'nothing is anchored yet'
      : `${checked === 1 ? '1 head on chain agrees' : `${checked} heads on chain agree`}, the newest of ${leaves(anchored)}`
  watch.tell('ok', `${leaves(head.size)} (${growth}), consistent; ${onChain}`, {
    origin: head.origin,
    size: head.size,
    anchors: checked,
    anchored,
  })
  return exitStatus.ok
}

/** What shows a fork to anyone who knows the log's key. */
interface ForkProof {
  reason: string
  key: string
  /** Signed heads that cannot both be of one log; one alone when the other side is the chain. */
  checkpoints: string[]
  anchor?: NonNullable<AnchorReport['fork']>
}

async function reportFork(watch: Watch, proof: ForkProof): Promise<number> {
  const file = await saveProof(watch.stateFile, proof)
  watch.tell('fork', `FORK: ${proof.reason}. The signed heads that prove it are in ${file}`, { proof: file })
  return exitStatus.fork
}

/** The key of the first sight, or the caller's, stays: a log that could change its key could rewrite its past. */
async function pinnedKey(watch: Watch, state: MonitorState | undefined): Promise<string> {
  if (state !== undefined) {
    if (state.url !== watch.url) throw new CommandError(`${watch.stateFile} is the state of ${state.url}`)
    if (watch.key !== undefined && watch.key !== state.key) {
      throw new CommandError(`${watch.stateFile} holds another key than --key`)
    }
    return state.key
  }
  if (watch.key !== undefined) return watch.key
  const logKey = parseLogKey((await fetchKeys(watch.url)).logKey)
  watch.tell('ok', `pinned the key that the log shows at first sight: ${logKey}`)
  return logKey
}

function parseLogKey(text: string): string {
  try {
    if (parseVerifierKey(text).algorithm === noteAlgorithms.ed25519) return text
    throw new CommandError('that is the key of a witness, not of a log')
  } catch (cause) {
    if (!(cause instanceof NoteError)) throw cause
    throw new CommandError(`the log key: ${cause.message}`, undefined, { cause })
  }
}

function keptHead(state: MonitorState, key: string, file: string): SignedHead {
  try {
    return openHead(state.checkpoint, key)
  } catch (cause) {
    throw new CommandError(`the checkpoint kept in ${file} does not hold`, undefined, { cause })
  }
}

/** A chain's contracts are learned once; later ones would be the service's way out of an anchored past. */
function withNewChains(
  known: MonitorState['contracts'],
  published: readonly KnownContract[],
): KnownContract[] {
  const fresh = published.filter(({ chain }) => !known.some((contract) => contract.chain === chain))
  const distinct = new Map(fresh.map((contract) => [`${contract.chain} ${contract.address}`, contract]))
  return [...known, ...distinct.values()]
}

function teller(json: boolean, io: Io): Watch['tell'] {
  return (event, message, fields = {}) => {
    const line = json
      ? JSON.stringify({ time: new Date().toISOString(), event, message, ...fields })
      : `${new Date().toISOString()} ${event.padEnd(7)} ${printable(message)}`
    const write = event === 'ok' || json ? io.out : io.err
    write(line)
  }
}
