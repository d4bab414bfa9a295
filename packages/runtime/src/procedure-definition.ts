import type { AnyTRPCProcedure } from '@trpc/server'

/** What tRPC keeps of a procedure; `M` is what its middlewares are called with. */
export interface ProcedureDefinition<M> {
  meta: unknown
  type: string
  /** The schemas of `.input()`, in order, and of `.output()`. */
  inputs: unknown[]
  output?: unknown
  middlewares: M[]
}

/**
 * What a procedure was built from. tRPC has all of it at run time and hides it from its types; this is the one place that
 * knows, so that a release of tRPC that keeps it elsewhere is met here.
 */
export function definitionOf<M>(procedure: AnyTRPCProcedure): ProcedureDefinition<M> {
  return procedure._def as unknown as ProcedureDefinition<M>
}
