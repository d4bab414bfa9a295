import type { StorageErrorCode } from '../errors.ts'
import type { Layout } from './layout.ts'
import type { Column } from './row.ts'

/** A document on its way to the writer: where its BSON lies in the message's bytes, and what follows from its fields. */
export interface Packed {
  id: string
  start: number
  end: number
  row: Column[]
  /** The entries of each side index, in the order of `sideIndexes`. */
  entries: Column[][][]
}

/** One write as the writer thread gets it; `c` is the collection's name. */
export type Operation =
  | ({ type: 'insert' | 'ensure'; c: string } & Packed)
  | ({ type: 'replace'; c: string; version: number } & Packed)
  | {
      type: 'increment'
      c: string
      id: string
      by: Readonly<Record<string, number | bigint>>
      /** Absent where there are none: a thousand empty objects take time to hand over. */
      bounds?: Readonly<
        Record<
          string,
          { readonly atLeast?: number | bigint | undefined; readonly atMost?: number | bigint | undefined }
        >
      >
      create: Readonly<Record<string, unknown>>
    }
  | { type: 'expect'; c: string; id: string; version: number }
  | { type: 'remove'; c: string; id: string; version: number | undefined }

/** A commit, all or nothing; or, with `each`, a list of inserts that are each on their own. */
export interface Job {
  number: number
  each: boolean
  operations: Operation[]
}

/** What the writer thread is told. */
export type Request =
  | { type: 'write'; jobs: Job[]; bytes: Uint8Array }
  | { type: 'declare'; number: number; layouts: Layout[] }
  | { type: 'purge'; number: number }
  | { type: 'close'; number: number }

/** A StorageError as data. */
export interface Refusal {
  code: StorageErrorCode
  message: string
  write: number | undefined
  collection: string | undefined
  index: string | undefined
}

/** The outcome of a request; `inserted` answers for each document of an `each` job. */
export interface Outcome {
  number: number
  refusal?: Refusal
  inserted?: boolean[]
}

/** What the writer thread tells. */
export type Answer =
  | { type: 'done'; outcomes: Outcome[] }
  | { type: 'log'; message: string; fields: Record<string, unknown> }
