import { createKey, foundTenant, operatorScopes } from '@tallystick/identity'
import type { IdentityService } from '@tallystick/identity'
import type { ApiKeyInput, Scope } from '@tallystick/protocol'
import { formatSecret } from '@tallystick/runtime'
import { DuplicateKey } from '@tallystick/storage'

/** What the operator of a standalone server may do: run the marketplace, and found others. */
const ownScopes: readonly Scope[] = [...operatorScopes, 'platform']

/** The newcomer's key: all of the daily work, nothing that changes who may do it. */
const sandboxScopes = operatorScopes.filter((one) => !['accounts:write', 'keys:write', 'admin'].includes(one))

/** Founds the marketplace of an empty identity service; `given` becomes its operator's key in place of a new one. */
export async function foundMarketplace(
  { deps, store }: IdentityService,
  given: string | undefined,
): Promise<{ tenant: string; operatorKey: string }> {
  const operatorKey = given ?? formatSecret(deps.mode, deps.random(32))
  const { writes, answer } = foundTenant(deps, { name: 'standalone', scopes: ownScopes }, operatorKey)
  await store.commit(writes)
  return { tenant: answer.account.id, operatorKey }
}

/** Makes `secret` an operator's key of the marketplace, unless it works already. Throws for one that was revoked. */
export async function addOperatorKey(
  identity: IdentityService,
  tenant: string,
  secret: string,
): Promise<void> {
  if (await identity.link.authenticate(secret)) return
  try {
    await addKey(identity, tenant, { name: 'given operator key', scopes: [...ownScopes] }, secret)
  } catch (error) {
    if (!(error instanceof DuplicateKey)) throw error
    throw new Error('The key in TALLYSTICK_OPERATOR_KEY was revoked or replaced; give another', {
      cause: error,
    })
  }
}

/** A key for trying things out. */
export async function makeSandboxKey(identity: IdentityService, tenant: string): Promise<string> {
  const { deps } = identity
  const secret = formatSecret(deps.mode, deps.random(32))
  await addKey(identity, tenant, { name: 'standalone test key', scopes: sandboxScopes }, secret)
  return secret
}

async function addKey(
  { deps, store }: IdentityService,
  tenant: string,
  input: ApiKeyInput,
  secret: string,
): Promise<void> {
  const operator = { tenant, account: tenant, role: 'operator', scopes: ownScopes } as const
  await store.attempt(async () => {
    const { writes } = await createKey(deps, operator, input, secret)
    await store.commit(writes)
  })
}
