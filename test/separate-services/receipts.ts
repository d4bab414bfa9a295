import { verifyEvidence } from '@tallystick/evidence'
import { auditReceipt } from '@tallystick/protocol'
import type { AuditReceipt } from '@tallystick/protocol'
import { readAnswer } from '@tallystick/runtime/test-http'
import { z } from 'zod'
import { until } from './separate-world.ts'
import type { SeparateWorld } from './separate-world.ts'

const trusted = z.object({ log: z.object({ key: z.string() }), jwks: z.custom<{ keys: [] }>() })
const page = z.object({ data: z.array(auditReceipt), next_cursor: z.string().optional() })

/** What the evidence of a receipt proves offline; it is waited for. */
export async function gradeOf(world: SeparateWorld, auditId: string): Promise<string> {
  const { operatorKey: key } = world
  const evidence = await until(`the proof of ${auditId}`, async () => {
    const answer = await world.call('GET', `/v1/audit/${auditId}/evidence`, { key })
    return answer.status === 200 ? answer.json : undefined
  })
  const { jwks, log } = readAnswer(trusted, await world.call('GET', '/v1/keys'))
  return (await verifyEvidence(evidence, { jwks, logKey: log.key })).level
}

/** Waits until every one of these audit ids has its receipt. */
export async function receiptsOf(world: SeparateWorld, auditIds: readonly string[]): Promise<void> {
  for (const id of auditIds)
    await until(`the receipt ${id}`, async () => {
      const { status } = await world.call('GET', `/v1/audit/${id}`, { key: world.operatorKey })
      return status === 200 ? true : undefined
    })
}

/** All receipts of the marketplace, newest first. */
export async function allReceipts(world: SeparateWorld): Promise<AuditReceipt[]> {
  const found: AuditReceipt[] = []
  for (let cursor = ''; ;) {
    const path = `/v1/audit?limit=100${cursor && `&starting_after=${cursor}`}`
    const { data, next_cursor } = readAnswer(page, await world.call('GET', path, { key: world.operatorKey }))
    found.push(...data)
    if (next_cursor === undefined) return found
    cursor = next_cursor
  }
}
