import type { AnchorPart } from '@tallystick/evidence'
import type { AuditRecord } from '@tallystick/protocol'
import type { KeySet, ReceiptPayload } from '@tallystick/receipt'
import type { Entropy } from '@tallystick/runtime'
import type { Store } from '@tallystick/storage'
import type { LogReader, PublishedCheckpoint } from './log-reader.ts'

/** The anchored heads that cover a log index, and the checkpoint of the first of them; given by the anchoring part. */
export type AnchoredHeads = (
  index: number,
) => Promise<{ heads: Omit<AnchorPart, 'consistency'>[]; checkpoint: PublishedCheckpoint | undefined }>

/** What the use-cases of the audit service are given. Built in start-audit.ts. */
export interface Deps extends Entropy {
  store: Store
  /** The log's origin: its name in checkpoints and the `iss` of its receipts. */
  origin: string
  livemode: boolean
  /** The log's C2SP verifier key. */
  logKey: string
  /** How long a receipt may wait for a published checkpoint. */
  mergeDelaySeconds: number
  signReceipts: (payloads: ReceiptPayload[]) => Promise<string[]>
  keySet: () => KeySet
  log: LogReader
  anchoredHeads: AnchoredHeads
  /** Told after a commit that queued entries. */
  queued: () => void
}

/** A record with the canonical bytes that its receipt promises. */
export interface PreparedRecord {
  id: string
  record: AuditRecord
  canonical: string
}
