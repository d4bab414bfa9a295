import { hash } from 'node:crypto'
import { derivedId } from '@tallystick/protocol'

/** The audit id of an event: the same tenant and event id give the same id, in every process and for ever. */
export function auditIdOf(tenant: string, event: string): string {
  return derivedId('audit', hash('sha256', JSON.stringify([tenant, event])))
}
