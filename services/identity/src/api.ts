import { createApi } from '@tallystick/runtime'
import type { Deps } from './deps.ts'

/** The base that all procedures of the identity service are made with. */
export const api = createApi<Deps>()
