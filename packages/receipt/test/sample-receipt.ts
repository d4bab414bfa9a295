import { bodyDigest, type ReceiptPayload } from '../src/index.ts'

/** A payload with every member, as of 2026-01-18T14:22:00Z. */
export const samplePayload: ReceiptPayload = {
  iss: 'log.example/audit',
  jti: 'aud_01kqxq5t8r0000000000000000',
  iat: 1_768_746_120,
  kind: 'training.usage',
  event: 'evt_01kqxq5t8r0000000000000000',
  actor: 'acct_01kqxq5t8r0000000000000000',
  licenses: ['lic_01kqxq5t8r0000000000000000'],
  items: ['sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
  usage: { metric: 'tokens', quantity: '150000', model_id: 'model-7' },
  body: bodyDigest(new Uint8Array(32), { tokens: 150_000 }),
  merge_by: 1_768_746_180,
}
