import { createHash } from 'node:crypto'
import type { AuditRecord } from '@tallystick/protocol'
import type { ReceiptPayload } from '@tallystick/receipt'

/** A usage event like those of the demo: one license, one item, one quantity. */
export function sampleRecord(run: string, turn: number): AuditRecord {
  return {
    event: `bench-${run}-${turn}`,
    kind: 'training.usage',
    actor: 'acct_bench',
    licenses: ['lic_bench'],
    items: [`sha256:${digest(`item ${turn % 100}`).toString('hex')}`],
    usage: { metric: 'tokens', quantity: String(turn), model_id: 'model-1' },
  }
}

/** The payload of the receipt of such an event. */
export function samplePayload(turn: number): ReceiptPayload {
  const { usage, ...record } = sampleRecord('raw', turn)
  const iat = 1_790_000_000
  return {
    iss: 'bench.local/log',
    jti: `aud_${String(turn).padStart(26, '0')}`,
    iat,
    kind: record.kind,
    event: record.event,
    actor: record.actor,
    licenses: record.licenses,
    items: record.items,
    ...(usage && { usage }),
    body: `sha256:${digest(`body ${turn}`).toString('hex')}`,
    merge_by: iat + 60,
  }
}

/** The stored document of such a receipt, with a signature of the right length. */
export function sampleReceipt(turn: number) {
  const record = sampleRecord('raw', turn)
  const payload = Buffer.from(JSON.stringify(samplePayload(turn))).toString('base64url')
  const header = Buffer.from('{"alg":"ES256","kid":"bench","typ":"tally-receipt+jwt"}').toString('base64url')
  const at = new Date(1_790_000_000_000 + turn)
  return {
    id: `aud_${digest(`id ${turn}`).toString('hex').slice(0, 26)}`,
    tenant: 'acct_bench',
    event: record.event,
    kind: record.kind,
    actor: record.actor,
    licenses: record.licenses,
    items: record.items,
    at,
    mergeBy: new Date(at.getTime() + 60_000),
    jws: `${header}.${payload}.${Buffer.alloc(64, turn % 251).toString('base64url')}`,
    body: Buffer.from(JSON.stringify(record)),
    salt: digest(`salt ${turn}`),
  }
}

/** The 32 bytes of a log entry: as evenly spread as those of receipts. */
export function sampleEntry(turn: number): Buffer {
  return digest(`entry ${turn}`)
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
