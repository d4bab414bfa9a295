import { until } from '@tallystick/runtime/test-http'
import { createTRPCClient, httpBatchLink, httpLink, TRPCClientError } from '@trpc/client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startHttpWorld } from '../services/audit/src/http-world.ts'
import type { HttpWorld } from '../services/audit/src/http-world.ts'
import type { AuditRouter } from '../services/audit/src/router.ts'

let world: HttpWorld
let audit: ReturnType<typeof clientOf>
let stranger: ReturnType<typeof clientOf>

beforeAll(async () => {
  world = await startHttpWorld()
  audit = clientOf(await world.keyOf('acct_trpc'))
  stranger = clientOf(undefined)
})
afterAll(() => world.close())

function clientOf(key: string | undefined, link: typeof httpLink | typeof httpBatchLink = httpLink) {
  const headers = key === undefined ? {} : { authorization: `Bearer ${key}` }
  return createTRPCClient<AuditRouter>({ links: [link({ url: `${world.url}/trpc/audit`, headers })] })
}

async function recordOne(event: string, data: Record<string, string | Record<string, string>> = {}) {
  const record = { event, kind: 'training.usage', actor: 'acct_eva', data }
  const { data: outcomes } = await audit.record.mutate({ records: [record] })
  const [outcome] = outcomes
  if (outcome?.status !== 'recorded') throw new Error(`${event} was ${outcome?.status}`)
  return outcome.receipt
}

test('a recorded event is read, listed, proved and verified', async () => {
  const receipt = await recordOne('evt_trpc')
  expect(await audit.get.query({ audit_id: receipt.id })).toMatchObject({ id: receipt.id, event: 'evt_trpc' })
  const { data } = await audit.list.query({ actor: 'acct_eva' })
  expect(data.map(({ id }) => id)).toContain(receipt.id)
  const proof = await until(() => audit.proof.query({ audit_id: receipt.id }).catch(() => undefined))
  expect(proof.proof).toContain('c2sp.org/tlog-proof@v1')
  const evidence = await audit.evidence.query({ audit_id: receipt.id })
  expect(await stranger.verify.mutate({ evidence: JSON.parse(JSON.stringify(evidence)) })).toMatchObject({
    level: 'LOGGED',
  })
})

test('whoever holds a receipt or its hash gets its proof without a key', async () => {
  const { receipt, receipt_hash } = await recordOne('evt_held')
  const byHash = await until(() => stranger.evidenceOf.mutate({ receipt_hash }).catch(() => undefined))
  expect(byHash).toMatchObject({ object: 'inclusion_proof' })
  expect(await stranger.evidenceOf.mutate({ receipt })).toMatchObject({ version: 1, receipt })
})

test('changes are listed', async () => {
  await recordOne('evt_change', { change: { subject: 'pol_1', reason: 'why not' } })
  const { data } = await audit.changes.query({ subject: 'pol_1' })
  expect(data).toMatchObject([{ event: 'evt_change', subject: 'pol_1', reason: 'why not' }])
})

test('keys, anchors and consistency are told to everyone', async () => {
  await recordOne('evt_grows')
  const keys = await stranger.keys.query()
  expect(keys.log.key).toBe(world.service.logKey)
  expect((await stranger.anchors.query({})).data).toEqual([])
  const told = await until(() => stranger.consistency.query({ from: 1, to: 1 }).catch(() => undefined))
  expect(told).toMatchObject({ from: 1, to: 1, proof: [] })
})

test('several calls travel in one request', async () => {
  const batched = clientOf(await world.keyOf('acct_trpc'), httpBatchLink)
  const [list, keys] = await Promise.all([batched.list.query({}), batched.keys.query()])
  expect([list.object, keys.object]).toEqual(['list', 'keys'])
})

test('a refusal carries the same problem document as over REST', async () => {
  const problemOf = async (asked: Promise<unknown>) => {
    const error = await asked.then(
      () => undefined,
      (cause: unknown) => cause,
    )
    if (!(error instanceof TRPCClientError)) throw new Error('it was not refused')
    const { problem } = error.data as { problem: { code: string; status: number } }
    return [problem.status, problem.code]
  }
  expect(await problemOf(stranger.list.query({}))).toEqual([401, 'unauthorized'])
  const missing = `aud_${'0'.repeat(26)}`
  expect(await problemOf(audit.get.query({ audit_id: missing }))).toEqual([404, 'not_found'])
  expect(await problemOf(audit.list.query({ limit: 1000 }))).toEqual([400, 'validation_failed'])
})
