import type { AnyTRPCProcedure, AnyTRPCRouter } from '@trpc/server'
import type { z } from 'zod'
import { definitionOf } from '../procedure-definition.ts'
import type { KeyedCall, KeyedMeta, Outcome } from './keyed-call.ts'

interface Call {
  ctx: { byKey(call: KeyedCall, run: () => Promise<Outcome>): Promise<Outcome> }
  path: string
  getRawInput: () => Promise<unknown>
  next: () => Promise<Outcome>
}

type Middleware = (call: Call) => Promise<Outcome>

const guarded = new WeakSet<AnyTRPCProcedure>()

/**
 * Puts a guard before the resolver of each procedure that takes idempotency keys. It must stand behind the check of
 * the input, so that a refused request uses no key up; tRPC's builder can only put middlewares before it.
 */
export function guardKeys<R extends AnyTRPCRouter>(router: R): R {
  for (const procedure of Object.values<AnyTRPCProcedure>(router._def.procedures)) {
    const { middlewares, ...definition } = definitionOf<Middleware>(procedure)
    const meta = definition.meta as KeyedMeta | undefined
    const output = definition.output as z.ZodType | undefined
    if (!meta?.idempotency || guarded.has(procedure)) continue
    guarded.add(procedure)
    middlewares.splice(-1, 0, async ({ ctx, path, getRawInput, next }) =>
      ctx.byKey({ name: path, meta, output, input: await getRawInput() }, next),
    )
  }
  return router
}
