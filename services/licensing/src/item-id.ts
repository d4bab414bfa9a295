import { hash } from 'node:crypto'
import { derivedId } from '@tallystick/protocol'

/** The id of a tenant's item with the content hash `contentHash` (`sha256:…`): the same two give the same id for ever. */
export function itemIdOf(tenant: string, contentHash: string): string {
  return derivedId('item', hash('sha256', JSON.stringify([tenant, contentHash])))
}
