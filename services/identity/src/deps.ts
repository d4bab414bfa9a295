import type { Caller, Entropy, KeyStore, Mode, RatePlans } from '@tallystick/runtime'
import type { Store } from '@tallystick/storage'

/** What the use-cases of the identity service are given. Built in start-identity.ts. */
export interface Deps extends Entropy {
  store: Store
  mode: Mode
  /** The cache of this process, which a change of keys or accounts empties. */
  keys: KeyStore
  /** Those that an account can have, `public` aside. */
  plans: RatePlans
}

/** On whose behalf something is changed, and with which rights; `keyId` is there where a key asks. */
export type Actor = Pick<Caller, 'tenant' | 'account' | 'role' | 'scopes'> & Partial<Pick<Caller, 'keyId'>>
