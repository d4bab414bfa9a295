import { hash } from 'node:crypto'
import { Fault } from '@tallystick/protocol'
import type { Caller } from '../api.ts'

const printable = /^[\x20-\x7e]{1,255}$/

/** The key that header and body name. Throws Fault for a malformed key, and for two that differ. */
export function readKey(header: string | undefined, member: unknown): string | undefined {
  if (header !== undefined && !printable.test(header)) {
    throw new Fault('bad_request', { detail: 'Idempotency-Key has 1 to 255 printable ASCII characters' })
  }
  if (member === undefined) return header
  if (typeof member !== 'string' || !printable.test(member)) {
    const message = 'must be a string of 1 to 255 printable ASCII characters'
    throw new Fault('validation_failed', { errors: [{ pointer: '/idempotency_key', message }] })
  }
  if (header !== undefined && header !== member) throw new Fault('idempotency_key_mismatch')
  return member
}

/** The id of a key's record. Accounts of a tenant have keys of their own: none can reach the answer of another. */
export function recordId({ tenant, account, livemode }: Caller, key: string): string {
  return hash('sha256', JSON.stringify([livemode ? 'live' : 'test', tenant, account, key]), 'hex')
}

/** What tells one request from another: the operation and its input, however the input is spaced and ordered. */
export function requestDigest(operation: string, input: unknown): string {
  return hash('sha256', `${operation}\n${JSON.stringify(sorted(input))}`, 'hex')
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const members = Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1))
  // Pairs, not an object: an object would put members with numbers for names first, whatever their order.
  return { members: members.map(([name, member]) => [name, sorted(member)]) }
}
