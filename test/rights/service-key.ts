import { join } from 'node:path'
import { createKey, identityCollections, operatorScopes } from '@tallystick/identity'
import { formatSecret, systemEntropy } from '@tallystick/runtime'
import type { Mode } from '@tallystick/runtime'
import { openStore } from '@tallystick/storage'

/** A key for services, made beside the running server as the operator's commands make it. */
export async function makeServiceKey(dataDirectory: string, mode: Mode, tenant: string): Promise<string> {
  const store = await openStore(`sqlite:${join(dataDirectory, 'db')}`, {
    name: `identity-${mode}`,
    collections: identityCollections,
  })
  try {
    const { now, newId, random } = systemEntropy()
    const secret = formatSecret(mode, random(32))
    const operator = {
      tenant,
      account: tenant,
      role: 'operator',
      scopes: [...operatorScopes, 'service'],
    } as const
    const input = { name: 'a service', scopes: ['service' as const] }
    const { writes } = await createKey({ store, now, newId }, operator, input, secret)
    await store.commit([...writes])
    return secret
  } finally {
    await store.close()
  }
}
