import { createApi } from '@tallystick/runtime'
import type { Deps } from './deps.ts'

/** The base that all procedures of the licensing service are made with. */
export const api = createApi<Deps>()

/** In a procedure's meta: creators license what is theirs, and operators in their name. */
export const licensors = { roles: ['operator', 'creator'] } as const
