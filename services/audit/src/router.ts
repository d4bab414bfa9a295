import { evidenceBundle, verifyEvidence } from '@tallystick/evidence'
import { auditRecord, auditReceipt, auditRecordDetail, Fault, listOf } from '@tallystick/protocol'
import { receiptEntryHex } from '@tallystick/receipt'
import { overseers, parties } from '@tallystick/runtime'
import { z } from 'zod'
import { api } from './api.ts'
import { positions } from './collections.ts'
import { eraseBodies } from './erase-bodies.ts'
import { findReceipt, listReceipts } from './find-receipt.ts'
import { exportChanges, listChanges } from './list-changes.ts'
import { anchorView, listAnchors } from './anchoring/list-anchors.ts'
import { answerProof } from './proof-answer.ts'
import {
  consistencyBetween,
  proveHash,
  proveReceipt,
  receiptEvidence,
  requireOwnReceipt,
} from './prove-receipt.ts'
import { reachOf, requireOwnRecords } from './reach.ts'
import { receiptView } from './receipt-view.ts'
import { logRoutes } from './log-routes.ts'
import { recordEvents } from './record-events.ts'
import * as wire from './schemas.ts'

const records = { tags: ['Records'] }
const proofs = { tags: ['Proofs'] }
const textOrJson = { produces: ['text/plain'] }
const ofRecord = [{ input: { audit_id: 'aud_01kqxq5t8r0000000000000000' } }]

/** The audit service's procedures: the same over tRPC and REST. */
export const router = api.router({
  record: api
    .procedure({
      ...parties,
      ...records,
      summary: 'Record events and get their receipts',
      description:
        'Idempotent by event id. Each record succeeds or is refused on its own. Developers and creators record what their own account did, operators what anyone did.',
      scope: 'audit:write',
      rest: { method: 'POST', path: '/v1/audit/records' },
      examples: [
        {
          input: {
            records: [
              {
                event: 'training-run-42:step-1',
                kind: 'training.usage',
                actor: 'dev_456',
                data: { model: 'model-1' },
              },
            ],
          },
        },
      ],
    })
    .input(z.strictObject({ records: z.array(auditRecord).min(1).max(1000) }))
    .output(z.strictObject({ object: z.literal('record_outcomes'), data: z.array(wire.recordOutcome) }))
    .mutation(async ({ ctx, input }) => {
      requireOwnRecords(ctx.caller, input.records)
      const data = await recordEvents(ctx.deps, ctx.caller.tenant, input.records)
      return { object: 'record_outcomes' as const, data }
    }),

  list: api
    .procedure({
      ...records,
      summary: 'List receipts, newest first',
      description:
        'Operators and auditors see all of their marketplace, developers and creators the receipts of what their own account did.',
      scope: 'audit:read',
      rest: { method: 'GET', path: '/v1/audit' },
    })
    .input(wire.listInput)
    .output(listOf(auditReceipt))
    .query(({ ctx, input }) => listReceipts(ctx.deps, reachOf(ctx.caller), input)),

  changes: api
    .procedure({
      ...overseers,
      ...records,
      summary: 'List administrative changes, newest first',
      description:
        'Records whose `data.change` says what was changed: `subject`, `before`, `after`, `reason`.',
      scope: 'audit:read',
      rest: { method: 'GET', path: '/v1/audit/changes' },
    })
    .input(wire.changesInput)
    .output(listOf(wire.administrativeChange))
    .query(({ ctx, input }) => listChanges(ctx.deps, ctx.caller.tenant, input)),

  exportChanges: api
    .procedure({
      ...overseers,
      ...records,
      summary: 'Administrative changes as CSV, oldest first',
      scope: 'audit:read',
      rest: { method: 'GET', path: '/v1/audit/changes/export', produces: ['text/csv'] },
    })
    .input(wire.changesExportInput)
    .output(z.void())
    .query(({ ctx, input }) => {
      const lines = exportChanges(ctx.deps, ctx.caller.tenant, input)
      ctx.answer.header('content-disposition', 'attachment; filename="changes.csv"')
      ctx.answer.stream('text/csv; charset=utf-8', lines)
    }),

  get: api
    .procedure({
      ...records,
      summary: 'A receipt with its event and salt',
      scope: 'audit:read',
      errors: ['not_found'],
      rest: { method: 'GET', path: '/v1/audit/{audit_id}' },
      examples: ofRecord,
    })
    .input(wire.auditIdInput)
    .output(auditRecordDetail)
    .query(async ({ ctx, input }) => {
      const receipt = await findReceipt(ctx.deps, reachOf(ctx.caller), input.audit_id)
      const position = await ctx.deps.store.get(positions, receiptEntryHex(receipt.jws))
      const { body, salt } = receipt
      return {
        ...receiptView(receipt, ctx.deps, position?.index),
        ...(body &&
          salt && { body: { event: Buffer.from(body).toString(), salt: Buffer.from(salt).toString('hex') } }),
      }
    }),

  body: api
    .procedure({
      ...records,
      summary: 'The event that a receipt promises, with its salt',
      scope: 'audit:read',
      errors: ['not_found', 'body_erased'],
      rest: { method: 'GET', path: '/v1/audit/{audit_id}/body' },
      examples: ofRecord,
    })
    .input(wire.auditIdInput)
    .output(wire.recordBody)
    .query(async ({ ctx, input }) => {
      const { body, salt } = await findReceipt(ctx.deps, reachOf(ctx.caller), input.audit_id)
      if (!body || !salt) throw new Fault('body_erased')
      const event = Buffer.from(body).toString()
      return { object: 'audit_body' as const, event, salt: Buffer.from(salt).toString('hex') }
    }),

  erase: api
    .procedure({
      ...records,
      summary: 'Erase a page of bodies; receipts and proofs keep verifying',
      description:
        'Erases event and salt of the records of one actor, of those that name a subject, of events, of audit ids, or of all that is older than `before`. A dry run tells which licenses the records name. Asked again from `next` until there is none. Idempotent.',
      scope: 'service',
      rest: { method: 'POST', path: '/v1/audit/erasures' },
      examples: [{ input: { tenant: 'acct_01kqxq5t8r0000000000000000', subject: 'cr_123', dry_run: true } }],
    })
    .input(wire.erasureInput)
    .output(wire.erasureOutcome)
    .mutation(async ({ ctx, input }) => {
      const { tenant, before, ...rest } = input
      const { keep_licenses: keepLicenses, keep_items: keepItems, dry_run: dryRun, ...selection } = rest
      const moment = before === undefined ? undefined : new Date(before)
      const told = { ...selection, keepLicenses, keepItems, dryRun, before: moment }
      return { object: 'audit_erasure' as const, ...(await eraseBodies(ctx.deps, tenant, told)) }
    }),

  proof: api
    .procedure({
      ...proofs,
      summary: 'The inclusion proof of a receipt, as JSON or as tlog-proof text',
      scope: 'audit:read',
      errors: ['not_found', 'proof_pending'],
      rest: { method: 'GET', path: '/v1/audit/{audit_id}/proof', ...textOrJson },
      examples: ofRecord,
    })
    .input(wire.auditIdInput)
    .output(wire.inclusionProof)
    .query(async ({ ctx, input }) => {
      const receipt = await findReceipt(ctx.deps, reachOf(ctx.caller), input.audit_id)
      return answerProof(await proveReceipt(ctx.deps, receipt.jws), ctx)
    }),

  proofByHash: api
    .procedure({
      ...proofs,
      summary: 'The inclusion proof of an entry by its hash, as JSON or as tlog-proof text',
      description:
        'For whoever holds a receipt, without an account: the hash is the SHA-256 of the compact receipt. The proof does not carry the receipt.',
      scope: 'public',
      errors: ['not_found', 'proof_pending'],
      rest: { method: 'GET', path: '/v1/audit/proofs/{receipt_hash}', ...textOrJson },
      examples: [{ input: { receipt_hash: `sha256:${'0'.repeat(64)}` } }],
    })
    .input(wire.proofByHashInput)
    .output(wire.inclusionProof)
    .query(async ({ ctx, input }) => answerProof(await proveHash(ctx.deps, input.receipt_hash), ctx)),

  evidence: api
    .procedure({
      ...proofs,
      summary: 'The evidence bundle of a receipt',
      scope: 'audit:read',
      errors: ['not_found', 'proof_pending'],
      rest: { method: 'GET', path: '/v1/audit/{audit_id}/evidence' },
      examples: ofRecord,
    })
    .input(wire.auditIdInput)
    .output(evidenceBundle)
    .query(async ({ ctx, input }) => {
      const receipt = await findReceipt(ctx.deps, reachOf(ctx.caller), input.audit_id)
      return receiptEvidence(ctx.deps, receipt.jws)
    }),

  evidenceOf: api
    .procedure({
      ...proofs,
      summary: 'Proof for whoever holds a receipt or its hash',
      description:
        'With the receipt: its evidence bundle. With its hash alone: the inclusion proof, without the receipt, since every hash in the log is public and receipts are not.',
      scope: 'public',
      errors: ['not_found', 'proof_pending'],
      rest: { method: 'POST', path: '/v1/audit/evidence' },
      examples: [{ input: { receipt_hash: `sha256:${'0'.repeat(64)}` } }],
    })
    .input(wire.evidenceInput)
    .output(z.union([wire.inclusionProof, evidenceBundle]))
    .mutation(async ({ ctx, input }) => {
      if (input.receipt !== undefined) {
        await requireOwnReceipt(ctx.deps, input.receipt)
        return receiptEvidence(ctx.deps, input.receipt)
      }
      return answerProof(await proveHash(ctx.deps, input.receipt_hash ?? ''), ctx)
    }),

  verify: api
    .procedure({
      ...proofs,
      summary: 'Grade an evidence bundle under the keys and contracts of this log',
      description: 'A convenience: whoever does not want to trust this answer runs the offline verifier.',
      scope: 'public',
      rest: { method: 'POST', path: '/v1/audit/verify' },
      examples: [{ input: { evidence: { version: 1 } } }],
    })
    .input(wire.verifyInput)
    .output(wire.verdict)
    .mutation(async ({ ctx, input }) => {
      const contracts = ctx.deps.chains.map(({ id, contract }) => ({ chain: id, address: contract }))
      const policy = { jwks: { keys: [...ctx.deps.keySet().keys] }, logKey: ctx.deps.logKey, contracts }
      return JSON.parse(JSON.stringify(await verifyEvidence(input.evidence, policy))) as z.infer<
        typeof wire.verdict
      >
    }),

  consistency: api
    .procedure({
      ...proofs,
      summary: 'The consistency proof between two sizes of the log',
      scope: 'public',
      errors: ['invalid_range'],
      rest: { method: 'GET', path: '/v1/audit/consistency' },
      examples: [{ input: { from: 1, to: 2 } }],
    })
    .input(wire.consistencyInput)
    .output(wire.consistency)
    .query(async ({ ctx, input: { from, to } }) => ({
      object: 'consistency_proof' as const,
      from,
      to,
      proof: await consistencyBetween(ctx.deps, from, to),
    })),

  anchors: api
    .procedure({
      ...proofs,
      summary: 'Anchors of the log, newest first',
      scope: 'public',
      rest: { method: 'GET', path: '/v1/anchors' },
    })
    .input(wire.anchorsInput)
    .output(listOf(anchorView))
    .query(({ ctx, input }) => listAnchors(ctx.deps, input)),

  keys: api
    .procedure({
      ...proofs,
      summary: 'Keys and contracts by which everything here is verified',
      scope: 'public',
      rest: { method: 'GET', path: '/v1/keys' },
    })
    .output(wire.keys)
    .query(({ ctx: { deps } }) => ({
      object: 'keys' as const,
      log: { origin: deps.origin, key: deps.logKey },
      jwks: { keys: deps.keySet().keys.map((key) => ({ ...key })) },
      chains: deps.chains.map(({ id, contract }) => ({ chain: id, contract })),
    })),

  log: api.router(logRoutes),
})

/** The type that clients of the audit service are made from. */
export type AuditRouter = typeof router
