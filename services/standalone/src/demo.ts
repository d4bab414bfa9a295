import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { levels, parseEvidence, verifyEvidence } from '@tallystick/evidence'
import type { EvidenceBundle, Policy, Verdict } from '@tallystick/evidence'
import { chainFacts, inclusionOnChain } from './chain.ts'
import { readLogLevel, readOperatorKey, readStartedByNpm } from './config.ts'
import { endWithNpm } from './end-with-npm.ts'
import { hashFiles } from './hash-files.ts'
import type { HashedFile } from './hash-files.ts'
import { startStandalone } from './start-standalone.ts'
import type { Standalone } from './start-standalone.ts'

const eventCount = 10_000
const batchSize = 1000
const anchorEveryMs = 1000
const patienceMs = 60_000
const pollMs = 200

interface Recorded {
  id: string
  receipt: string
}

const { values, positionals } = parseArgs({
  options: { once: { type: 'boolean', default: false } },
  allowPositionals: true,
})
const sources = resolve(positionals[0] ?? '.')
if (!statSync(sources, { throwIfNoEntry: false })?.isDirectory()) {
  console.error(`tallystick: ${sources} is no folder; name one whose files are to be hashed`)
  process.exit(2)
}
const data = values.once ? mkdtempSync(join(tmpdir(), 'tallystick-demo-')) : resolve('data')
const server = await startStandalone({
  port: values.once ? 0 : 8787,
  dataDirectory: data,
  logLevel: readLogLevel('error'),
  operatorKey: readOperatorKey(),
  anchorEveryMs,
})
if (!values.once) server.lifecycle.handleSignals()
endWithNpm(readStartedByNpm())
let passed = false
try {
  passed = await tellStory(server)
} finally {
  if (values.once) {
    await server.lifecycle.stop('the demo is over')
    rmSync(data, { recursive: true, force: true })
    process.exitCode = passed ? 0 : 1
  }
}
if (!values.once) {
  const { test } = server.operatorKeys
  const operatorKey = test === undefined ? '' : `  Operator key    ${test}   (told this once)\n`
  console.log(`
The server stays up; Ctrl-C stops it, and npm start goes on with the same data.
  API reference   ${server.url}/docs
  Test key        ${server.testKey}
${operatorKey}  Local chain     ${server.chainRpc}   AnchorRegistry ${server.contract}`)
}

/** Files → items → usage → receipts → log → anchor → evidence → verdicts. True when each came out as it must. */
async function tellStory(server: Standalone): Promise<boolean> {
  const files = await timed('hashed', 'files', async () => {
    const hashed = await hashFiles(sources)
    return { result: hashed, count: hashed.length }
  })
  if (files.length === 0) throw new Error(`${sources} has no files to hash`)
  const recorded = await timed('recorded', 'usage events, each with a signed receipt', async () => {
    const result = await recordUsage(server, files)
    return { result, count: result.length }
  })
  const sample = recorded[0]
  if (!sample) throw new Error('the server gave no receipts')
  console.log(`  one of them: ${sample.id}, a JWS of ${sample.receipt.length} characters\n`)

  const evidence = await finalEvidence(server, sample)
  mkdirSync('demo-out', { recursive: true })
  const file = join('demo-out', `${sample.id}.evidence.json`)
  writeFileSync(file, `${JSON.stringify(evidence, null, 2)}\n`)
  await tellAnchors(server)

  const offline = await verifyEvidence(evidence, pinned(server))
  tellVerdict('offline, with the log key alone', offline)
  const facts = await chainFacts(server.chainRpc, evidence)
  const online = await verifyEvidence(evidence, { ...pinned(server), blocks: facts })
  tellVerdict('offline, with one block hash from the chain', online)
  const onChain = await inclusionOnChain(server.chainRpc, evidence)
  console.log(
    `  the contract itself, by verifyInclusion: ${onChain.included ? 'included' : 'NOT included'} (${onChain.gas} gas)`,
  )

  const tampered = await verifyEvidence(tamper(evidence), pinned(server))
  tellVerdict('a copy with one changed character', tampered)
  console.log(`\n  ${file}\n  check it yourself: npm run tally -- verify ${file} --rpc URL`)
  const good =
    reaches(offline, 'LOGGED') &&
    reaches(online, 'ANCHORED') &&
    onChain.included &&
    tampered.level === 'INVALID'
  console.log(`\nVerdict: ${good ? 'all as it must be' : 'SOMETHING IS WRONG'}`)
  return good
}

async function recordUsage(server: Standalone, files: readonly HashedFile[]): Promise<Recorded[]> {
  const run = Date.now().toString(36)
  const recorded: Recorded[] = []
  for (let first = 0; first < eventCount; first += batchSize) {
    const records = Array.from({ length: batchSize }, (_, offset) => {
      const file = files[(first + offset) % files.length]
      return {
        event: `demo-${run}-${first + offset}`,
        kind: 'training.usage',
        actor: 'demo-model-builder',
        licenses: ['demo-license'],
        items: file ? [file.hash] : [],
        usage: { metric: 'bytes', quantity: String(file?.bytes ?? 0), model_id: 'demo-model' },
      }
    })
    const answer = await call<{ data: { status: string; receipt: Recorded }[] }>(
      server,
      '/v1/audit/records',
      { records },
    )
    for (const { status, receipt } of answer.data) {
      if (status !== 'recorded') throw new Error(`an event was ${status}`)
      recorded.push(receipt)
    }
  }
  return recorded
}

/** Evidence whose anchor has its state proof: the log is sequenced, signed and anchored in the background meanwhile. */
async function finalEvidence(server: Standalone, { receipt }: Recorded): Promise<EvidenceBundle> {
  const started = performance.now()
  while (performance.now() - started < patienceMs) {
    const answer = await fetch(`${server.url}/v1/audit/evidence`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ receipt }),
    })
    const body = (await answer.json()) as { anchors?: { state?: unknown }[] }
    if (answer.ok && body.anchors?.some(({ state }) => state !== undefined)) return parseEvidence(body)
    await pause(pollMs)
  }
  throw new Error(`no anchor within ${patienceMs / 1000} s; see ${server.url}/v1/anchors for the reason`)
}

async function tellAnchors(server: Standalone): Promise<void> {
  const answer = await fetch(`${server.url}/v1/anchors?limit=3`)
  const { data } = (await answer.json()) as {
    data: { state: string; size: number; gas_used?: number; tx?: string }[]
  }
  for (const { state, size, gas_used: gas, tx } of data.toReversed()) {
    const cost = gas === undefined ? '' : ` for ${gas} gas in ${tx?.slice(0, 18)}…`
    const stage = state === 'reserved' ? 'on its way to the chain' : state
    console.log(`  anchor: head of ${size} entries is ${stage}${cost}`)
  }
  console.log('')
}

function pinned(server: Standalone): Policy {
  return { logKey: server.logKey, contracts: [{ chain: server.chain, address: server.contract }] }
}

function tamper(evidence: EvidenceBundle): EvidenceBundle {
  const { receipt } = evidence
  const middle = Math.floor(receipt.length / 2)
  const other = receipt[middle] === 'A' ? 'B' : 'A'
  return { ...evidence, receipt: receipt.slice(0, middle) + other + receipt.slice(middle + 1) }
}

function tellVerdict(how: string, verdict: Verdict): void {
  console.log(
    `  ${how}: ${verdict.grade}${verdict.failure ? ` (${verdict.failure.step}: ${verdict.failure.message})` : ''}`,
  )
}

function reaches(verdict: Verdict, level: Verdict['level']): boolean {
  return levels.indexOf(verdict.level) >= levels.indexOf(level)
}

async function call<T>(server: Standalone, path: string, body: unknown): Promise<T> {
  const answer = await fetch(server.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${server.testKey}` },
    body: JSON.stringify(body),
  })
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`)
  return (await answer.json()) as T
}

async function timed<T>(
  verb: string,
  what: string,
  work: () => Promise<{ result: T; count: number }>,
): Promise<T> {
  const started = performance.now()
  const { result, count } = await work()
  const seconds = (performance.now() - started) / 1000
  console.log(`  ${verb} ${count} ${what}: ${Math.round(count / seconds)} a second`)
  return result
}
