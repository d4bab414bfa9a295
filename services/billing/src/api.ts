import { createApi } from '@tallystick/runtime'
import type { Deps } from './deps.ts'

/** The base of every procedure of the billing service. */
export const api = createApi<Deps>()
