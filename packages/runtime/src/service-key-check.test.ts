import type { Scope } from '@tallystick/protocol'
import { expect, test } from 'vitest'
import type { Authenticator, Caller } from './api.ts'
import { serviceKeyCheck } from './service-key-check.ts'

const key = 'sk_test_of_a_service'

/** An identity that knows the key with these scopes, or not at all. */
function identity(scopes: readonly Scope[] | undefined) {
  const asked: string[] = []
  const keys: Authenticator = {
    async authenticate(secret) {
      asked.push(secret)
      const caller: Omit<Caller, 'scopes'> = {
        tenant: 'acct_1',
        account: 'acct_1',
        role: 'operator',
        keyId: 'key_1',
        livemode: false,
        plan: 'standard',
      }
      return scopes && { ...caller, scopes }
    },
  }
  return { keys, asked }
}

test('a key that identity does not take, or without the scope, keeps a service from being ready', async () => {
  const refused = serviceKeyCheck({ key, keys: identity(undefined).keys })
  await expect(refused()).rejects.toThrow('Identity refuses the key in SERVICE_KEY_FILE')
  const narrow = serviceKeyCheck({ key, keys: identity(['audit:write']).keys })
  await expect(narrow()).rejects.toThrow('lacks the scope service (it has audit:write)')
})

test('a key that was good once is not asked for again: its end must not stop all copies at one moment', async () => {
  const { keys, asked } = identity(['service'])
  const check = serviceKeyCheck({ key, keys })
  for (const _ of [1, 2]) await check()
  expect(asked).toEqual([key])
})
