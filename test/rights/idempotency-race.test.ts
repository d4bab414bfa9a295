import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { license, listOf } from '@tallystick/protocol'
import type { License } from '@tallystick/protocol'
import { apiKeys, keyStore, systemEntropy } from '@tallystick/runtime'
import { readAnswer, sendHttp, until } from '@tallystick/runtime/test-http'
import type { HttpAnswer } from '@tallystick/runtime/test-http'
import { openStore } from '@tallystick/storage'
import type { Store } from '@tallystick/storage'
import { testDatabase } from '@tallystick/storage/test-database'
import type { TestDatabase } from '@tallystick/storage/test-database'
import { afterAll, beforeAll, expect, test } from 'vitest'

interface Copy {
  url: string
  process: ChildProcess
  ended: Promise<unknown>
}

const requests = 50
let database: TestDatabase
let keysAt: Store
let key: string
const running = new Set<ChildProcess>()

beforeAll(async () => {
  database = await testDatabase()
  keysAt = await openStore(database.url, { name: 'identity-test', collections: [apiKeys] })
  const keys = keyStore(keysAt, { ...systemEntropy(), mode: 'test' })
  const made = await keys.createKey({
    tenant: 'acct_race',
    scopes: ['licenses:read', 'licenses:write'],
    mode: 'test',
  })
  key = made.secret
})
afterAll(async () => {
  for (const child of running) child.kill('SIGKILL')
  await keysAt.close()
  await database.drop()
})

async function startCopy(): Promise<Copy> {
  const file = new URL('licensing-child.ts', import.meta.url)
  const child = fork(file, [database.url], { stdio: ['ignore', 'pipe', 'inherit', 'ipc'], execArgv: [] })
  running.add(child)
  const ended = new Promise((resolve) => {
    child.once('exit', () => {
      running.delete(child)
      resolve(undefined)
    })
  })
  if (!child.stdout) throw new Error('the copy has no output')
  for await (const line of createInterface(child.stdout)) return { url: line, process: child, ended }
  throw new Error('the copy ended before it listened')
}

function order(url: string, buyer: string): Promise<HttpAnswer> {
  const pricing = { model: 'royalty', rate: 0.05 }
  const body = { creator_id: 'cr_1', buyer_id: buyer, items: ['ds'], pricing, terms: { duration_days: 30 } }
  return sendHttp('POST', `${url}/v1/licenses`, { key, body, headers: { 'idempotency-key': buyer } })
}

async function licensesOf(url: string, buyer: string): Promise<License[]> {
  const answer = await sendHttp('GET', `${url}/v1/licenses?limit=100&buyer_id=${buyer}`, { key })
  return readAnswer(listOf(license), answer).data
}

/** Repeats a request as a client does, until it gets its answer. */
function answerTo(url: string, buyer: string): Promise<License> {
  return until(async () => {
    const answer = await order(url, buyer)
    if (answer.status === 409) return undefined
    return readAnswer(license, answer, 201)
  })
}

test('50 requests with one key, at once, to two processes, make one license', async () => {
  const [one, other] = [await startCopy(), await startCopy()]
  const answers = await Promise.all(
    Array.from({ length: requests }, (_, place) => order((place % 2 ? one : other).url, 'dev_race')),
  )
  const made = answers
    .filter(({ status }) => status === 201)
    .map((answer) => readAnswer(license, answer, 201).id)
  const others = answers.filter(({ status }) => status !== 201)
  for (const { json } of others) expect(json).toMatchObject({ code: 'idempotency_in_progress' })
  expect(new Set(made).size).toBe(1)
  for (const { url } of [one, other]) {
    expect((await answerTo(url, 'dev_race')).id).toBe(made[0])
    expect((await licensesOf(url, 'dev_race')).map(({ id }) => id)).toEqual([made[0]])
  }
  for (const copy of [one, other]) copy.process.kill('SIGKILL')
  await Promise.all([one.ended, other.ended])
})

test('the same with a process killed in the middle makes one license or none, and the retry gets the right answer', async () => {
  const rounds = 4
  const [survivor, ...victims] = await Promise.all(Array.from({ length: rounds + 1 }, startCopy))
  if (!survivor) throw new Error('no copy was started')
  const outcomes = { cut: 0, none: 0, one: 0 }
  for (const [round, victim] of victims.entries()) {
    const buyer = `dev_crash_${round}`
    // So that the kill meets the requests themselves, not the opening of connections.
    await licensesOf(victim.url, buyer)
    const seen: string[] = []
    const racing = Array.from({ length: requests }, async (_, place) => {
      try {
        // In every other round the victim alone is asked, so that its death can leave nothing behind.
        const { url } = place % 2 && round % 2 ? survivor : victim
        const answer = await order(url, buyer)
        if (answer.status === 201) seen.push(readAnswer(license, answer, 201).id)
        else expect(answer.json).toMatchObject({ code: 'idempotency_in_progress' })
      } catch (error) {
        if (!(error instanceof TypeError)) throw error
        outcomes.cut++
      }
    })
    setTimeout(() => victim.process.kill('SIGKILL'), round * 6)
    await Promise.all(racing)
    await victim.ended
    const left = await licensesOf(survivor.url, buyer)
    expect(left.length).toBeLessThanOrEqual(1)
    outcomes[left.length === 0 ? 'none' : 'one']++
    const answer = await answerTo(survivor.url, buyer)
    const told = new Set([...seen, ...left.map(({ id }) => id), answer.id])
    expect([...told]).toEqual([answer.id])
    expect((await licensesOf(survivor.url, buyer)).map(({ id }) => id)).toEqual([answer.id])
  }
  // The kills met requests under way; otherwise nothing was shown.
  expect(outcomes.cut).toBeGreaterThan(0)
  survivor.process.kill('SIGKILL')
  await survivor.ended
})
