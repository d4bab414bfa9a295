import { createApi } from '@tallystick/runtime'
import type { Deps } from './deps.ts'

/** The base of every procedure of the billing service. */
export const api = createApi<Deps>()

/** Whoever may be billed changes what is their own; an auditor reads. */
export const parties = { roles: ['operator', 'developer', 'creator'] } as const
