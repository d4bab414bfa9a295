import { parentPort, workerData } from 'node:worker_threads'
import {
  importSigningKey,
  ReceiptError,
  signReceipt,
  type PrivateJwk,
  type ReceiptErrorCode,
  type ReceiptPayload,
} from '@tallystick/receipt'
import { chooseKey } from './choose-key.ts'

/** What the worker is born with. */
export interface SigningWorkerData {
  keys: PrivateJwk[]
}

/** A chunk to sign: the payloads as one JSON text, which crosses threads several times faster than objects do. */
export interface SigningJob {
  id: number
  payloads: string
}

/** `ready` once; then for each job its compact receipts, one a line, or why it was refused. */
export type SigningAnswer =
  | { kind: 'ready' }
  | { kind: 'signed'; id: number; receipts: string }
  | { kind: 'refused'; id: number; code: ReceiptErrorCode; message: string }

const keys = (workerData as SigningWorkerData).keys.map(importSigningKey)

parentPort?.on('message', (job: SigningJob) => void work(job))
answer({ kind: 'ready' })

/** An error that is no refusal is a defect: it ends the thread, and the pool tells. */
async function work({ id, payloads }: SigningJob): Promise<void> {
  try {
    const receipts: string[] = []
    for (const payload of JSON.parse(payloads) as ReceiptPayload[]) receipts.push(await sign(payload))
    answer({ kind: 'signed', id, receipts: receipts.join('\n') })
  } catch (error) {
    if (!(error instanceof ReceiptError)) throw error
    answer({ kind: 'refused', id, code: error.code, message: error.message })
  }
}

async function sign(payload: ReceiptPayload): Promise<string> {
  const key = chooseKey(keys, payload.iat)
  if (key === undefined) throw new ReceiptError('key_not_valid_then', `no key signs at ${payload.iat}`)
  return signReceipt(payload, key)
}

function answer(message: SigningAnswer): void {
  parentPort?.postMessage(message, [])
}
