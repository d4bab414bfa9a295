import type { z } from 'zod'

/** What a procedure came to, in tRPC's own form. */
export type Outcome = { ok: true; data: unknown } | { ok: false; error: unknown }

/** The part of a procedure's meta that its idempotency needs. */
export interface KeyedMeta {
  idempotency?: 'required' | 'accepted'
  secretAnswer?: boolean
  rest?: { method: string; path: string; status?: number }
}

/** A call of a procedure that takes an idempotency key. */
export interface KeyedCall {
  /** The procedure's place in the router. */
  name: string
  meta: KeyedMeta
  /** The input as it was sent, found good by the procedure's schema. */
  input: unknown
  output: z.ZodType | undefined
}
